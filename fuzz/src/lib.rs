//! What must hold whatever comes in: one property a fuzz target. A property takes any bytes and panics where it does not hold.
//!
//! `fuzz_targets/` runs them over and over on new inputs; `tests/corpus.rs` runs them on those that are kept in `corpus/`, and
//! needs no nightly compiler for it. A further one is a function here, a target of one line, a test of one line, and a directory of
//! inputs.

mod bodies;
mod credentials;
mod lines;
mod names;
mod requests;
mod settings;
mod world;

pub use bodies::bodies;
pub use credentials::credentials;
pub use lines::lines;
pub use names::names;
pub use requests::requests;
pub use settings::{Given, told};
