//! The picture of whoever has none, drawn from the id.

use image::{Rgba, RgbaImage};
use sha2::{Digest, Sha256};

use super::develop::encode;
use super::{Format, Size};
use crate::error::{Error, Result};
use crate::id::Id;

/// Draws the picture of an id as a PNG: the same for ever.
///
/// # Errors
/// [`Error::Internal`] if it can't be encoded.
pub fn draw(id: Id, size: Size) -> Result<Vec<u8>> {
    let seed: [u8; 32] = Sha256::digest(id.bits().to_be_bytes()).into();
    let [red, green, blue, ..] = seed;
    let tile = RgbaImage::from_pixel(size.pixels(), size.pixels(), Rgba([red, green, blue, 255]));
    encode(tile, Format::Png)
        .map_err(|error| Error::Internal(format!("a default picture: {error}")))
}
