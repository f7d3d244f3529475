//! What a client sends: an image in a data URI.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Base64Unpadded, Encoding};
use image::ImageFormat;

use super::container::{self, Fault};
use crate::error::{Problem, Result};

/// The least and the most pixels of a side.
const SIDE: std::ops::RangeInclusive<u32> = 16..=4096;

/// The most frames of an animation.
const MOST_FRAMES: u32 = 1_000;

/// An image as somebody sent it: by its bytes a whole PNG, JPEG, GIF or WebP and nothing besides, of 16 to 4096 pixels a side
/// and at most 1,000 frames. Not yet decoded, so it may still prove damaged.
#[derive(Clone)]
pub struct Upload {
    pub(super) format: ImageFormat,
    pub(super) bytes: Vec<u8>,
}

impl Upload {
    /// An image out of its bytes, looked over as far as that costs next to nothing.
    ///
    /// # Errors
    /// `wrong_type` for another type of file, one that is cut off, or one that something follows; `out_of_range` for a side or a
    /// number of frames.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Problem> {
        let format = container::format(&bytes).ok_or_else(|| {
            Problem::wrong_type(
                "This is no PNG, JPEG, GIF or WebP, whatever it is labelled; convert it to one of them.",
            )
        })?;
        let outline = container::walk(format, &bytes).map_err(|fault| match fault {
            Fault::Truncated => Problem::wrong_type(
                "The image stops in the middle; choose a copy that is whole, or save it anew.",
            ),
            Fault::Damaged => damaged(),
        })?;
        if outline.end < bytes.len() {
            return Err(Problem::wrong_type(
                "Something else follows the end of the image; save the image anew and send that.",
            ));
        }
        let (width, height) = (outline.width, outline.height);
        if !SIDE.contains(&width) || !SIDE.contains(&height) {
            return Err(Problem::out_of_range(format!(
                "An image is 16 to 4096 pixels wide and high; this one is {width} x {height}. Scale it and send that."
            )));
        }
        if outline.frames > MOST_FRAMES {
            return Err(Problem::out_of_range(format!(
                "An animation has 1,000 frames at most; this one has {}. Send one of them.",
                outline.frames
            )));
        }
        Ok(Self { format, bytes })
    }
}

/// What a decoder can't make sense of.
pub(super) fn damaged() -> Problem {
    Problem::wrong_type(
        "The image is damaged; open it in an image program, save it anew and send that.",
    )
}

impl FromStr for Upload {
    type Err = Problem;

    /// A data URI: `data:<anything>;base64,<data>`, the data in the standard alphabet, padded or not. What the label says is not
    /// believed.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let data = text
            .strip_prefix("data:")
            .and_then(|uri| uri.split_once(','))
            .and_then(|(label, data)| label.ends_with(";base64").then_some(data))
            .ok_or_else(|| {
                Problem::wrong_type(
                    "Send the image as a data URI: \"data:image/png;base64,\" and then its bytes in base64.",
                )
            })?;
        let bytes = if data.ends_with('=') {
            Base64::decode_vec(data)
        } else {
            Base64Unpadded::decode_vec(data)
        };
        Self::from_bytes(bytes.map_err(|_| {
            Problem::wrong_type(
                "What follows \"base64,\" is no base64; encode the image with the standard alphabet, without spaces or line ends.",
            )
        })?)
    }
}

impl fmt::Debug for Upload {
    /// Not its bytes: there may be a million of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({:?}, {} bytes)", self.format, self.bytes.len())
    }
}
