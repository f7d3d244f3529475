//! Images for the tests, the odd ones built by hand.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbaImage};

/// A picture of four colours, one a quarter, so that it tells how it stands.
pub(super) fn quarters(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        match (x < width / 2, y < height / 2) {
            (true, true) => [200, 30, 30, 255].into(),
            (false, true) => [30, 200, 30, 255].into(),
            (true, false) => [30, 30, 200, 255].into(),
            (false, false) => [220, 220, 60, 255].into(),
        }
    })
}

/// A picture that does not compress well, of which a JPEG has many bytes.
pub(super) fn noise(width: u32, height: u32) -> RgbaImage {
    let mut state = 1_u32;
    RgbaImage::from_fn(width, height, |_, _| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let [red, green, blue, _] = state.to_le_bytes();
        [red, green, blue, 255].into()
    })
}

/// A picture in a format, as `image` writes it.
pub(super) fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut picture = picture.into();
    if format == ImageFormat::Jpeg {
        picture = picture.into_rgb8().into();
    }
    let mut bytes = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

/// One of each of the four formats.
pub(super) fn each() -> [Vec<u8>; 4] {
    [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
    ]
    .map(|format| file(quarters(32, 32), format))
}

/// A chunk of a PNG.
pub(super) fn png_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [&kind, data].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&checked);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, checked.as_slice(), &sum.sum().to_be_bytes()].concat()
}

/// A PNG with chunks put in after its header.
pub(super) fn png_with(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    let (header, rest) = png.split_at(33);
    [header, &chunks.concat(), rest].concat()
}

/// A PNG that claims this size in a header whose checksum is right.
pub(super) fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let png = file(quarters(32, 32), ImageFormat::Png);
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = png_chunk(*b"IHDR", &[&size, &png[24..29]].concat());
    [&png[..8], &header, &png[33..]].concat()
}

/// An animated PNG of two frames; the first is the picture, the second a blank one.
pub(super) fn animated_png(picture: RgbaImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let control = |sequence: u32| {
        let numbers = [sequence, width, height, 0, 0]
            .map(u32::to_be_bytes)
            .concat();
        png_chunk(
            *b"fcTL",
            &[numbers.as_slice(), &[0, 1, 0, 10, 0, 0]].concat(),
        )
    };
    let blank = file(RgbaImage::new(width, height), ImageFormat::Png);
    let mut second = 2_u32.to_be_bytes().to_vec();
    second.extend(png_data(&blank));
    let animation = png_chunk(*b"acTL", &[2_u32, 0].map(u32::to_be_bytes).concat());
    let mut png = png_with(&file(picture, ImageFormat::Png), &[animation, control(0)]);
    let end = png.split_off(png.len() - 12);
    [png, control(1), png_chunk(*b"fdAT", &second), end].concat()
}

/// The compressed pixels of a PNG of few chunks.
fn png_data(png: &[u8]) -> Vec<u8> {
    let (mut rest, mut data) = (&png[8..], Vec::new());
    while let [a, b, c, d, kind @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        if kind.starts_with(b"IDAT") {
            data.extend_from_slice(&kind[4..4 + length]);
        }
        rest = &rest[12 + length..];
    }
    data
}

/// A segment of a JPEG.
pub(super) fn jpeg_segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], length.as_slice(), data].concat()
}

/// A JPEG with segments put in after its beginning.
pub(super) fn jpeg_with(jpeg: &[u8], segments: &[Vec<u8>]) -> Vec<u8> {
    [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()
}

/// What a camera says of how it was held, 1 to 8: a big-endian TIFF of one entry.
pub(super) fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2A\0\0\0\x08\0\x01".to_vec();
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend([0; 4]);
    tiff
}

/// A GIF of these frames.
pub(super) fn gif(frames: impl IntoIterator<Item = RgbaImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    for frame in frames {
        encoder.encode_frame(Frame::new(frame)).unwrap();
    }
    drop(encoder);
    bytes
}

/// A GIF of this many frames, all the same.
pub(super) fn gif_of(frames: usize) -> Vec<u8> {
    let mut gif = gif([RgbaImage::from_pixel(16, 16, [9, 9, 9, 255].into())]);
    // The frame begins with its control extension, after the header and the global table of colours, if there is one.
    let start = gif
        .windows(3)
        .position(|window| window == [0x21, 0xF9, 0x04])
        .unwrap();
    let frame = gif[start..gif.len() - 1].to_vec();
    gif.truncate(start);
    gif.extend(frame.repeat(frames));
    gif.push(0x3B);
    gif
}

/// A chunk of a WebP.
fn webp_chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let padding = &[0][..data.len() % 2];
    [kind, &length, data, padding].concat()
}

fn webp_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    webp_chunk(b"RIFF", &[b"WEBP".as_slice(), &chunks.concat()].concat())
}

fn webp_extended(picture: &RgbaImage, flags: u8) -> Vec<u8> {
    let [width, height] = [picture.width(), picture.height()].map(|side| (side - 1).to_le_bytes());
    let header = [&[flags, 0, 0, 0], &width[..3], &height[..3]].concat();
    webp_chunk(b"VP8X", &header)
}

/// A still WebP with metadata on how it stands.
pub(super) fn webp_turned(picture: RgbaImage, orientation: u8) -> Vec<u8> {
    let header = webp_extended(&picture, 0x08);
    let pixels = file(picture, ImageFormat::WebP).split_off(12);
    webp_of(&[header, pixels, webp_chunk(b"EXIF", &exif(orientation))])
}

/// An animated WebP of these frames, which are of one size.
pub(super) fn webp_animated(frames: &[RgbaImage]) -> Vec<u8> {
    let mut chunks = vec![
        webp_extended(&frames[0], 0x02),
        webp_chunk(b"ANIM", &[0; 6]),
    ];
    for frame in frames {
        let [width, height] = [frame.width(), frame.height()].map(|side| (side - 1).to_le_bytes());
        // For a tenth of a second, and in place of what was there before.
        let place = [&[0; 6], &width[..3], &height[..3], &[100, 0, 0, 2]].concat();
        let pixels = file(frame.clone(), ImageFormat::WebP).split_off(12);
        chunks.push(webp_chunk(b"ANMF", &[place, pixels].concat()));
    }
    webp_of(&chunks)
}
