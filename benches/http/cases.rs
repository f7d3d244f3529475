//! What is measured, by name.

use crate::report::Case;
use crate::server::Result;
use crate::turns::Plan;
use crate::{footprint, pictures, reads, writes};

/// A case's name, as it is asked for, and what measures it.
pub(crate) type Named = (&'static str, fn(&Plan) -> Result<Case>);

pub(crate) const CASES: [Named; 18] = [
    ("me", reads::me),
    ("user", reads::user),
    ("user-ten-million", reads::user_of_ten_million),
    ("channels", reads::channels),
    ("many-channels", reads::many_channels),
    ("communities", reads::communities),
    ("dm", writes::standing_dm),
    ("new-dm", writes::new_dm),
    ("rename", writes::rename),
    ("crowded-name", writes::crowded_name),
    ("mixed", writes::mixed),
    ("log-in", reads::log_in),
    ("backup", reads::backup),
    ("footprint", footprint::footprint),
    ("me-logged", reads::me_logged),
    ("avatar-scaled", pictures::scaled),
    ("avatar-whole", pictures::whole),
    ("avatar-drawn", pictures::drawn),
];
