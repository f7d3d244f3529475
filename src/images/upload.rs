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

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;

    /// The code of what is wrong with these bytes, and the sentence.
    fn refused(bytes: Vec<u8>) -> (&'static str, String) {
        let problem = Upload::from_bytes(bytes).unwrap_err();
        (problem.code, problem.message.into_owned())
    }

    fn assert_refused(bytes: Vec<u8>, code: &str, word: &str) {
        let (found, message) = refused(bytes);
        assert!(
            found == code && message.contains(word),
            "{found}: {message}"
        );
    }

    #[test]
    fn an_image_of_each_kind_is_taken_in_a_data_uri_whatever_the_label_says() {
        for bytes in each() {
            for base64 in [
                Base64::encode_string(&bytes),
                Base64Unpadded::encode_string(&bytes),
            ] {
                for label in ["image/png", "image/svg+xml;charset=utf-8", ""] {
                    let upload: Upload = format!("data:{label};base64,{base64}").parse().unwrap();
                    assert!(upload.bytes == bytes);
                }
            }
        }
    }

    #[test]
    fn what_is_no_base64_in_a_data_uri_is_refused() {
        for text in [
            "",
            "data:",
            "data:image/png,iVBORw0KGgo=",
            "data:image/png;base64",
            "https://example.org/cat.png",
            "iVBORw0KGgo=",
            "data:image/png;base64,iVBORw0KGg=",
            "data:image/png;base64,iVBORw0KGgo==",
            "data:image/png;base64,iVBO Rw0KGgo=",
            "data:image/png;base64,iVBORw0K\nGgo=",
            "data:image/png;base64,_-__",
            "data:image/png;base64,%69VBORw0KGgo=",
        ] {
            let problem = text.parse::<Upload>().unwrap_err();
            assert_eq!(problem.code, "wrong_type", "{text}");
            assert!(problem.message.contains("base64"), "{text}: {problem}");
        }
    }

    #[test]
    fn another_kind_of_file_is_refused_whatever_its_label_says() {
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>"#;
        let bmp = [b"BM\x7A\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &[0; 100]].concat();
        for bytes in [
            svg.to_vec(),
            bmp,
            b"<html>GIF89a</html>".to_vec(),
            b"%PDF-1.7".to_vec(),
            b"II*\0".to_vec(),
            b"\0\0\0\x1Cftypavif".to_vec(),
            b"RIFF\x24\0\0\0WAVE".to_vec(),
            Vec::new(),
        ] {
            let labelled = format!("data:image/png;base64,{}", Base64::encode_string(&bytes));
            let problem = labelled.parse::<Upload>().unwrap_err();
            assert_eq!(problem.code, "wrong_type");
            assert!(problem.message.contains("no PNG"), "{problem}");
        }
    }

    #[test]
    fn an_image_that_is_cut_off_anywhere_is_refused() {
        for bytes in each() {
            // Before the first twelve bytes it is nothing yet.
            for length in 12..bytes.len() {
                assert_refused(
                    bytes[..length].to_vec(),
                    "wrong_type",
                    "stops in the middle",
                );
            }
        }
    }

    #[test]
    fn an_image_that_something_follows_is_refused() {
        for bytes in each() {
            for tail in [b"<script>alert(1)</script>".as_slice(), b"\0", b"\n"] {
                assert_refused([&bytes, tail].concat(), "wrong_type", "follows the end");
            }
        }
        let [png, _, gif, webp] = each();
        for bytes in [png, gif, webp] {
            let twice = [bytes.clone(), bytes].concat();
            assert_refused(twice, "wrong_type", "follows the end");
        }
    }

    #[test]
    fn further_pictures_that_a_phone_appends_to_a_jpeg_do_not_matter_if_they_are_whole() {
        let [_, jpeg, ..] = each();
        let twice = [jpeg.clone(), jpeg].concat();
        assert!(Upload::from_bytes(twice.clone()).is_ok());
        assert_refused(
            twice[..twice.len() - 1].to_vec(),
            "wrong_type",
            "stops in the middle",
        );
        let html = [twice.as_slice(), b"<html>"].concat();
        assert_refused(html, "wrong_type", "follows the end");
    }

    #[test]
    fn a_side_has_16_to_4096_pixels_in_every_format() {
        for (width, height) in [(16, 16), (16, 4096), (4096, 16)] {
            for format in [
                ImageFormat::Png,
                ImageFormat::Jpeg,
                ImageFormat::Gif,
                ImageFormat::WebP,
            ] {
                let bytes = file(quarters(width, height), format);
                assert!(
                    Upload::from_bytes(bytes).is_ok(),
                    "{format:?} {width} x {height}"
                );
            }
        }
        for (width, height) in [
            (1, 4096),
            (4096, 1),
            (15, 15),
            (15, 16),
            (16, 15),
            (4097, 16),
            (16, 4097),
        ] {
            for format in [
                ImageFormat::Png,
                ImageFormat::Jpeg,
                ImageFormat::Gif,
                ImageFormat::WebP,
            ] {
                let bytes = file(quarters(width, height), format);
                assert_refused(bytes, "out_of_range", &format!("{width} x {height}"));
            }
        }
    }

    #[test]
    fn a_size_is_believed_by_nobody_before_it_is_checked() {
        for side in [0, 60_000, u32::MAX] {
            assert_refused(png_claiming(side, side), "out_of_range", &side.to_string());
        }
    }

    #[test]
    fn an_animation_has_1_000_frames_at_most() {
        assert!(Upload::from_bytes(gif_of(1_000)).is_ok());
        assert_refused(gif_of(1_001), "out_of_range", "1001");
        assert_refused(gif_of(10_000), "out_of_range", "10000");
        let frames = vec![quarters(16, 16); 1_001];
        assert!(Upload::from_bytes(webp_animated(&frames[1..])).is_ok());
        assert_refused(webp_animated(&frames), "out_of_range", "1001");
        let still = file(quarters(16, 16), ImageFormat::Png);
        let announced = png_chunk(*b"acTL", &[1_001_u32, 0].map(u32::to_be_bytes).concat());
        assert_refused(png_with(&still, &[announced]), "out_of_range", "1001");
        let control = png_chunk(*b"fcTL", &[0; 26]);
        assert_refused(
            png_with(&still, &vec![control; 1_001]),
            "out_of_range",
            "1001",
        );
    }

    #[test]
    fn an_image_that_contradicts_itself_is_refused() {
        let png = file(quarters(32, 32), ImageFormat::Png);
        let header_later = [&png[..8], &png_chunk(*b"tEXt", b"a\0b"), &png[8..]].concat();
        assert_refused(header_later, "wrong_type", "damaged");
        assert_refused(
            png_with(&png, &[png[8..33].to_vec()]),
            "wrong_type",
            "damaged",
        );
        let jpeg = file(quarters(32, 32), ImageFormat::Jpeg);
        let two_sizes = jpeg_with(&jpeg, &[jpeg_segment(0xC0, &[8, 0, 16, 0, 16, 0])]);
        assert_refused(two_sizes, "wrong_type", "damaged");
        assert_refused(b"\xFF\xD8\xFF\xD9".to_vec(), "wrong_type", "damaged");
        assert_refused(
            b"\xFF\xD8\xFF\xE0\0\x01\xFF\xD9".to_vec(),
            "wrong_type",
            "damaged",
        );
        assert_refused(
            b"GIF89a\x20\0\x20\0\0\0\0\x77\0".to_vec(),
            "wrong_type",
            "damaged",
        );
        assert_refused(b"RIFF\x04\0\0\0WEBP".to_vec(), "wrong_type", "damaged");
    }

    #[test]
    fn an_upload_does_not_print_its_bytes() {
        let upload = Upload::from_bytes(file(noise(64, 64), ImageFormat::Png)).unwrap();
        assert!(format!("{upload:?}").len() < 40);
    }
}
