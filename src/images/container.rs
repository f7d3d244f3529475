//! The four containers, walked from end to end without decoding a pixel: where the image ends, how large it is and how many
//! frames it has. Whatever follows the end is for somebody else, a browser that reads HTML for one.

use image::ImageFormat;

/// What a container says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outline {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// How many frames; 1 for a still image.
    pub(super) frames: u32,
    /// How many bytes the container is long.
    pub(super) end: usize,
}

/// Why a container can't be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end before it does.
    Truncated,
    /// It contradicts its format.
    Damaged,
}

/// The format by the first bytes; `None` for any but the four.
pub(super) fn format(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(ImageFormat::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(ImageFormat::Jpeg),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(ImageFormat::Gif),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Walks a container of this format.
pub(super) fn walk(format: ImageFormat, bytes: &[u8]) -> Result<Outline, Fault> {
    let mut rest = Bytes(bytes);
    let (size, frames) = match format {
        ImageFormat::Png => png(&mut rest),
        ImageFormat::Jpeg => jpegs(&mut rest),
        ImageFormat::Gif => gif(&mut rest),
        ImageFormat::WebP => webp(&mut rest),
        _ => Err(Fault::Damaged),
    }?;
    let (width, height) = size.ok_or(Fault::Damaged)?;
    Ok(Outline {
        width,
        height,
        frames: frames.max(1),
        end: bytes.len() - rest.0.len(),
    })
}

/// Width and height, once they are known, and how many frames were met.
type Found = (Option<(u32, u32)>, u32);

/// The bytes that are still to be walked.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Fault::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Fault::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_be_bytes)
    }

    fn be16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    fn be32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    fn le16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    fn le24(&mut self) -> Result<u32, Fault> {
        let [low, middle, high] = self.array()?;
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }

    fn le32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }
}

/// A length as an index; one that memory can't hold is longer than the bytes are.
fn length(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Chunks: length, type, data, checksum; from IHDR to IEND. The decoder looks at the checksums.
fn png(rest: &mut Bytes<'_>) -> Result<Found, Fault> {
    rest.take(8)?;
    let (mut size, mut announced, mut frames) = (None, 0, 0);
    loop {
        let length = length(rest.be32()?);
        let kind = rest.array::<4>()?;
        let mut data = Bytes(rest.take(length)?);
        rest.take(4)?;
        match (&kind, size) {
            (b"IHDR", None) => size = Some((data.be32()?, data.be32()?)),
            (b"IHDR", Some(_)) | (_, None) => return Err(Fault::Damaged),
            (b"acTL", _) => announced = data.be32()?,
            (b"fcTL", _) => frames += 1,
            (b"IEND", _) => return Ok((size, frames.max(announced))),
            _ => {}
        }
    }
}

/// One or several: phones append pictures of depth or brightness to the one that is shown (CIPA DC-007, multi-picture format).
fn jpegs(rest: &mut Bytes<'_>) -> Result<Found, Fault> {
    let first = jpeg(rest)?;
    while format(rest.0) == Some(ImageFormat::Jpeg) {
        jpeg(rest)?;
    }
    Ok(first)
}

/// Segments: a marker, mostly with a length; from SOI to EOI, the scans between them in the open.
fn jpeg(rest: &mut Bytes<'_>) -> Result<Found, Fault> {
    rest.take(2)?;
    let mut size = None;
    loop {
        let mut marker = [rest.u8()?, rest.u8()?];
        // Any number of FF may fill the gap before a marker.
        while marker == [0xFF, 0xFF] {
            marker[1] = rest.u8()?;
        }
        match marker {
            [0xFF, 0xD9] => return Ok((size, 1)),
            // TEM and restarts stand alone.
            [0xFF, 0x01 | 0xD0..=0xD7] => continue,
            // A second image inside this one, and what is no marker.
            [0xFF, 0x00 | 0xD8] | [0..0xFF, _] => return Err(Fault::Damaged),
            [0xFF, _] => {}
        }
        let length = usize::from(rest.be16()?);
        let mut data = Bytes(rest.take(length.checked_sub(2).ok_or(Fault::Damaged)?)?);
        match marker[1] {
            // DHT, JPG and DAC lie among the SOFs without being any.
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF if size.is_some() => return Err(Fault::Damaged),
            0xC0..=0xCF => {
                let _precision = data.u8()?;
                let (height, width) = (data.be16()?, data.be16()?);
                size = Some((width.into(), height.into()));
            }
            // SOS: the scan goes on to the next marker that is neither a stuffed FF nor a restart.
            0xDA => {
                let is_marker = |pair: &[u8]| matches!(pair, [0xFF, next] if !matches!(next, 0x00 | 0xD0..=0xD7 | 0xFF));
                let scan = rest.0.windows(2).position(is_marker);
                rest.take(scan.ok_or(Fault::Truncated)?)?;
            }
            _ => {}
        }
    }
}

/// Blocks, the long ones in sub-blocks of at most 255 bytes; to the trailer.
fn gif(rest: &mut Bytes<'_>) -> Result<Found, Fault> {
    rest.take(6)?;
    let size = (rest.le16()?.into(), rest.le16()?.into());
    let flags = rest.u8()?;
    rest.take(2)?;
    colours(rest, flags)?;
    let mut frames = 0_u32;
    loop {
        match rest.u8()? {
            // An extension: its label.
            0x21 => rest.take(1)?,
            // A frame: where it lies, its colours, how wide its codes are.
            0x2C => {
                frames = frames.saturating_add(1);
                rest.take(8)?;
                let flags = rest.u8()?;
                colours(rest, flags)?;
                rest.take(1)?
            }
            0x3B => return Ok((Some(size), frames)),
            _ => return Err(Fault::Damaged),
        };
        while let length @ 1.. = rest.u8()? {
            rest.take(length.into())?;
        }
    }
}

/// A GIF's table of colours, if the flags say that one follows.
fn colours(rest: &mut Bytes<'_>, flags: u8) -> Result<(), Fault> {
    if flags & 0x80 != 0 {
        rest.take(3 << ((flags & 7) + 1))?;
    }
    Ok(())
}

/// Chunks in a RIFF: type, length, data, padded to an even length. The first one tells the size.
fn webp(rest: &mut Bytes<'_>) -> Result<Found, Fault> {
    rest.take(4)?;
    let riff = length(rest.le32()?);
    let mut chunks = Bytes(rest.take(riff)?);
    chunks.take(4)?;
    let (mut size, mut frames) = (None, 0);
    while !chunks.0.is_empty() {
        let kind = chunks.array::<4>()?;
        let length = length(chunks.le32()?);
        let mut data = Bytes(chunks.take(length)?);
        chunks.take(length & 1)?;
        match (&kind, size) {
            (b"VP8X", None) => {
                data.take(4)?;
                size = Some((data.le24()? + 1, data.le24()? + 1));
            }
            (b"VP8L", None) => {
                data.take(1)?;
                let bits = data.le32()?;
                size = Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1));
            }
            (b"VP8 ", None) => {
                data.take(6)?;
                let (width, height) = (data.le16()?, data.le16()?);
                size = Some(((width & 0x3FFF).into(), (height & 0x3FFF).into()));
            }
            (_, None) => return Err(Fault::Damaged),
            (b"ANMF", _) => frames += 1,
            _ => {}
        }
    }
    Ok((size, frames))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, animated_png, file, quarters, webp_animated, webp_turned};
    use super::*;

    fn outline(bytes: &[u8]) -> Result<Outline, Fault> {
        walk(format(bytes).unwrap(), bytes)
    }

    #[test]
    fn a_container_tells_its_size_its_frames_and_its_end() {
        let picture = quarters(40, 30);
        let still = |kind| (file(picture.clone(), kind), 1);
        let files = [
            still(ImageFormat::Png),
            still(ImageFormat::Jpeg),
            still(ImageFormat::Gif),
            still(ImageFormat::WebP),
            (webp_turned(picture.clone(), 1), 1),
            (animated_png(picture.clone()), 2),
            (samples::gif(vec![picture.clone(); 3]), 3),
            (webp_animated(&vec![picture.clone(); 4]), 4),
        ];
        for (mut bytes, frames) in files {
            let end = bytes.len();
            bytes.extend(b"more");
            let found = Outline {
                width: 40,
                height: 30,
                frames,
                end,
            };
            assert_eq!(outline(&bytes), Ok(found));
        }
    }

    #[test]
    fn what_a_jpeg_may_hold_between_its_segments_does_not_end_it() {
        let jpeg = file(quarters(40, 30), ImageFormat::Jpeg);
        let (scan, end) = jpeg.split_at(jpeg.len() - 2);
        let restarts = b"\xFF\xD0\x01\xFF\x00\xFF\xD7\xFF\xFF\xFF";
        let whole = [
            &[0xFF, 0xD8, 0xFF, 0xFF, 0xFF, 0x01],
            &scan[2..],
            restarts,
            end,
        ]
        .concat();
        assert_eq!(outline(&whole).map(|outline| outline.end), Ok(whole.len()));
    }

    #[test]
    fn a_length_beyond_the_end_is_a_cut_and_not_a_panic() {
        for bytes in [
            b"\x89PNG\r\n\x1A\n\xFF\xFF\xFF\xFFIHDR".as_slice(),
            b"\xFF\xD8\xFF\xE0\xFF\xFF",
            b"GIF89a\x10\0\x10\0\xF7\0\0",
            b"RIFF\xFF\xFF\xFF\xFFWEBPVP8L",
            b"RIFF\x0C\0\0\0WEBPVP8L\xFF\xFF\xFF\xFF",
        ] {
            assert_eq!(outline(bytes), Err(Fault::Truncated));
        }
    }
}
