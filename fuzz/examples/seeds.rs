//! Writes the fuzzer's first inputs: a small image of each kind, into `fuzz/corpus/image`.

use std::fs::{self, File};
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, RgbaImage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/image");
    fs::create_dir_all(&corpus)?;
    let picture = RgbaImage::from_fn(24, 17, |x, y| {
        let [x, y] = [x, y].map(|value| u8::try_from(value * 10).unwrap_or(u8::MAX));
        [x, y, x ^ y, 255 - x / 2].into()
    });
    let rgba = DynamicImage::from(picture.clone());
    let kinds = [
        ("rgba", rgba.clone()),
        ("rgb", rgba.to_rgb8().into()),
        ("grey", rgba.to_luma8().into()),
        ("grey-alpha", rgba.to_luma_alpha8().into()),
        ("deep", rgba.to_rgba16().into()),
    ];
    for (kind, picture) in kinds {
        for extension in ["png", "jpg", "gif", "webp"] {
            let path = corpus.join(format!("{kind}.{extension}"));
            // Not every format takes every kind of pixel.
            if picture.save(&path).is_err() {
                let _ = fs::remove_file(path);
            }
        }
    }
    let mut animation = GifEncoder::new(File::create(corpus.join("animation.gif"))?);
    for _ in 0..3 {
        animation.encode_frame(Frame::from_parts(
            picture.clone(),
            0,
            0,
            image::Delay::from_numer_denom_ms(100, 1),
        ))?;
    }
    Ok(())
}
