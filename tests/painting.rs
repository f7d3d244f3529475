//! Pictures to send, good and bad.

use std::io::Cursor;

use base64ct::{Base64, Encoding};
use flate2::Crc;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use sha2::{Digest, Sha256};

/// A picture of two colours that is like no other of another seed.
pub(crate) fn canvas(width: u32, height: u32, seed: u8) -> DynamicImage {
    let paint = |x, y| {
        let ink = if (x / 4 + y / 4) % 2 == 0 {
            seed
        } else {
            255 - seed
        };
        Rgba([ink, seed, 200, 255])
    };
    RgbaImage::from_fn(width, height, paint).into()
}

/// A picture in a format.
pub(crate) fn encode(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = match format {
        ImageFormat::Jpeg => picture.into_rgb8().into(),
        _ => picture,
    };
    picture
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

/// As a client sends it, under this label.
pub(crate) fn labelled(label: &str, bytes: &[u8]) -> String {
    format!("data:{label};base64,{}", Base64::encode_string(bytes))
}

/// As a client sends it.
pub(crate) fn uri(bytes: &[u8]) -> String {
    labelled("image/png", bytes)
}

/// A PNG of 64 pixels a side, as a client sends it.
pub(crate) fn picture(seed: u8) -> String {
    uri(&square(seed))
}

/// A PNG of 64 pixels a side.
pub(crate) fn square(seed: u8) -> Vec<u8> {
    encode(canvas(64, 64, seed), ImageFormat::Png)
}

/// Bytes as a picture.
#[track_caller]
pub(crate) fn decoded(bytes: &[u8], format: ImageFormat) -> DynamicImage {
    image::load_from_memory_with_format(bytes, format).unwrap()
}

/// The hash by which the API knows these bytes.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digit = |hash: String, byte: &u8| format!("{hash}{byte:02x}");
    digest.iter().fold(String::new(), digit)
}

/// What a PNG consists of: each chunk's type and data.
pub(crate) fn chunks(png: &[u8]) -> Vec<(String, &[u8])> {
    let (mut found, mut rest) = (Vec::new(), &png[8..]);
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap());
        let end = 8 + usize::try_from(length).unwrap();
        let kind = String::from_utf8(rest[4..8].to_vec()).unwrap();
        found.push((kind, &rest[8..end]));
        rest = &rest[end + 4..];
    }
    found
}

/// A PNG out of such chunks.
pub(crate) fn png_of(chunks: &[(String, &[u8])]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        let mut crc = Crc::new();
        crc.update(kind.as_bytes());
        crc.update(data);
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend(kind.as_bytes());
        png.extend_from_slice(data);
        png.extend(crc.sum().to_be_bytes());
    }
    png
}

/// A PNG that claims to have this many pixels a side, with the data of far fewer.
fn boasting(side: u32) -> Vec<u8> {
    let small = square(1);
    let mut chunks = chunks(&small);
    let mut header = chunks[0].1.to_vec();
    header[..4].copy_from_slice(&side.to_be_bytes());
    header[4..8].copy_from_slice(&side.to_be_bytes());
    chunks[0].1 = &header;
    png_of(&chunks)
}

/// A GIF of 16 by 16 pixels with so many frames of one.
pub(crate) fn gif(frames: usize) -> Vec<u8> {
    let mut gif = b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
    for _ in 0..frames {
        gif.extend(b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    gif.push(b';');
    gif
}

/// What is refused, each with the code at its field.
pub(crate) fn bad() -> Vec<(&'static str, String, &'static str)> {
    let good = square(1);
    let text = |text: &str| uri(text.as_bytes());
    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xFF;
    let html = b"<script>alert(1)</script>";
    let of = |width, height, format| uri(&encode(canvas(width, height, 1), format));
    vec![
        ("nothing", String::new(), "wrong_type"),
        (
            "no data URI",
            "https://example.com/a.png".into(),
            "wrong_type",
        ),
        ("no data", "data:image/png;base64,".into(), "wrong_type"),
        (
            "no base64",
            "data:image/png;base64,%%%".into(),
            "wrong_type",
        ),
        ("base64 of a URL", format!("{}-_", picture(1)), "wrong_type"),
        ("not in base64", "data:image/png,x".into(), "wrong_type"),
        ("text", text("a picture"), "wrong_type"),
        ("HTML", text("<!doctype html><p>"), "wrong_type"),
        (
            "SVG",
            labelled(
                "image/svg+xml",
                b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            ),
            "wrong_type",
        ),
        ("BMP", text("BM\0\0\0\0\0\0\0\0"), "wrong_type"),
        ("cut off", uri(&good[..good.len() - 20]), "wrong_type"),
        ("its first bytes", uri(&good[..8]), "wrong_type"),
        ("damaged", uri(&damaged), "wrong_type"),
        (
            "an image and HTML",
            uri(&[&good[..], html].concat()),
            "wrong_type",
        ),
        (
            "HTML and an image",
            uri(&[html, &good[..]].concat()),
            "wrong_type",
        ),
        (
            "60,000 pixels a side",
            uri(&boasting(60_000)),
            "out_of_range",
        ),
        ("4,097 pixels a side", uri(&boasting(4_097)), "out_of_range"),
        ("10,000 frames", uri(&gif(10_000)), "out_of_range"),
        (
            "one pixel by 4,096",
            of(1, 4_096, ImageFormat::Png),
            "out_of_range",
        ),
        (
            "4,096 by 15",
            of(4_096, 15, ImageFormat::Png),
            "out_of_range",
        ),
        (
            "15 pixels a side",
            of(15, 15, ImageFormat::Gif),
            "out_of_range",
        ),
        ("more data than said", uri(&boasting(1_000)), "wrong_type"),
    ]
}
