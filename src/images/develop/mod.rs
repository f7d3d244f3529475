//! From what was sent to what is stored, and from what is stored to what is shown. Pure, and as slow as pictures are: not for
//! the async workers.

use std::io::Cursor;

use fast_image_resize::{FilterType as Kernel, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use sha2::{Digest, Sha256};

use super::upload::damaged;
use super::{Format, Image, ImageHash, Size, Upload};
use crate::error::{Error, Problem, Result};

/// The most pixels of a stored side.
const STORED_SIDE: u32 = 512;

/// The most pixels of a side that is decoded.
const DECODED_SIDE: u32 = 4096;

/// What a decoder may allocate, in bytes: the largest picture there is, of 4096 x 4096 pixels in four channels of 16 bits. It is
/// also twice as much as any other needs, which a GIF takes whose first frame leaves a part of its canvas free.
const MOST_DECODED: u64 = 8 * DECODED_SIDE as u64 * DECODED_SIDE as u64;

/// Whatever a codec complains of.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes what is stored: the first frame, turned upright, cut square in the middle, scaled down to 512 pixels if it is larger,
/// and without metadata. The same picture always makes the same bytes.
///
/// # Errors
/// `wrong_type` if the image is damaged.
pub fn develop(upload: &Upload) -> Result<Image, Problem> {
    let png = try_develop(upload).map_err(|_| damaged())?;
    let hash = ImageHash(Sha256::digest(&png).into());
    Ok(Image { hash, png })
}

/// An image that another instance of this program stored, under the hash that it was stored by.
///
/// # Errors
/// `out_of_range` if the hash is another's; `wrong_type` if it is no picture as they are stored.
pub fn recognise(hash: ImageHash, png: Vec<u8>) -> Result<Image, Problem> {
    if <[u8; 32]>::from(Sha256::digest(&png)) != hash.0 {
        return Err(Problem::out_of_range(
            "The picture is not the one of this hash; it was changed, or not copied whole.",
        ));
    }
    let upload = Upload::from_bytes(png)?;
    // Its sides before its pixels: they may be more than anybody has memory for.
    let small = upload.format == ImageFormat::Png
        && sides(&upload.bytes)
            .is_ok_and(|(width, height)| width == height && width <= STORED_SIDE);
    if !small {
        return Err(Problem::wrong_type(
            "This must be a square PNG of 16 to 512 pixels a side; give the picture to its user or community instead.",
        ));
    }
    decode(upload.format, &upload.bytes).map_err(|_| damaged())?;
    Ok(Image {
        hash,
        png: upload.bytes,
    })
}

fn try_develop(upload: &Upload) -> Result<Vec<u8>, Failure> {
    let (picture, orientation) = decode(upload.format, &upload.bytes)?;
    let mut square = DynamicImage::from(square(picture, STORED_SIDE)?);
    // The middle of a picture stays the middle however it is turned, so the small one can be.
    square.apply_orientation(orientation);
    let mut square = square.into_rgba8();
    // The colours of what nobody can see are not kept either: they may tell more than the picture does.
    for pixel in square.pixels_mut() {
        if pixel.0[3] == 0 {
            pixel.0 = [0; 4];
        }
    }
    encode_square(square, Format::Png)
}

/// Makes what is shown of a stored image: scaled down to a size if it is larger. A PNG that need not be scaled is what is stored.
///
/// # Errors
/// [`Error::Internal`] if the stored image can't be read.
pub fn render(png: Vec<u8>, format: Format, size: Option<Size>) -> Result<Vec<u8>> {
    try_render(png, format, size)
        .map_err(|error| Error::Internal(format!("a stored image can't be shown: {error}")))
}

fn try_render(png: Vec<u8>, format: Format, size: Option<Size>) -> Result<Vec<u8>, Failure> {
    let most = size.map_or(STORED_SIDE, Size::pixels);
    if format == Format::Png && sides(&png)?.0 <= most {
        return Ok(png);
    }
    let (picture, _) = decode(ImageFormat::Png, &png)?;
    encode_square(square(picture, most)?, format)
}

/// Width and height in pixels of a PNG.
fn sides(png: &[u8]) -> Result<(u32, u32), Failure> {
    let reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
    Ok(reader.into_dimensions()?)
}

fn decode(format: ImageFormat, bytes: &[u8]) -> Result<(DynamicImage, Orientation), Failure> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(DECODED_SIDE);
    limits.max_image_height = Some(DECODED_SIDE);
    limits.max_alloc = Some(MOST_DECODED);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // Metadata that can't be read says nothing of how the picture stands.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// The largest square in the middle of a picture, scaled down to a side if it is larger.
fn square(picture: DynamicImage, most: u32) -> Result<RgbaImage, Failure> {
    let has_alpha = picture.color().has_alpha();
    let picture = picture.into_rgba8();
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    let mut square = RgbaImage::new(side.min(most), side.min(most));
    let options = ResizeOptions::new()
        .crop(
            f64::from((width - side) / 2),
            f64::from((height - side) / 2),
            f64::from(side),
            f64::from(side),
        )
        .resize_alg(ResizeAlg::Convolution(Kernel::Lanczos3))
        .use_alpha(has_alpha);
    Resizer::new().resize(&picture, &mut square, &options)?;
    Ok(square)
}

/// Writes a picture, without an alpha channel where nothing shines through.
fn encode_square(picture: RgbaImage, format: Format) -> Result<Vec<u8>, Failure> {
    let opaque = picture.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    let picture = DynamicImage::from(picture);
    if opaque {
        encode(&picture.into_rgb8().into(), format)
    } else {
        encode(&picture, format)
    }
}

/// Writes a picture.
pub(super) fn encode(picture: &DynamicImage, format: Format) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match format {
        // Level 4 with filters: a photograph is 7 % larger than at the default level 6, and written 4.5 times as fast.
        Format::Png => picture.write_with_encoder(PngEncoder::new_with_quality(
            &mut bytes,
            CompressionType::Level(4),
            FilterType::Adaptive,
        )),
        Format::Webp => picture.write_with_encoder(WebPEncoder::new_lossless(&mut bytes)),
    }?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
