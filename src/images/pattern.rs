//! The picture of whoever has none, drawn from the id: an ornament of discs, petals and arches, as on a painted tile; a quarter
//! of it is drawn and mirrored to the right and down. There are seven million of them.
//!
//! Integers alone decide about every pixel, so that a picture stays the same on any machine and for ever.

use image::{Rgb, RgbImage};
use sha2::{Digest, Sha256};

use super::develop::encode;
use super::{Format, Size};
use crate::error::{Error, Result};
use crate::id::Id;

/// Units of a side: every [`Size`] is a multiple, so that all edges lie between pixels.
const UNITS: u32 = 16;

/// Units between the shapes and the edge: the tile frames them, on whatever page it lies.
const MARGIN: u32 = 2;

/// Units of a cell's side.
const CELL: u32 = 3;

/// Cells of a side.
const CELLS: u32 = (UNITS - 2 * MARGIN) / CELL;

/// Samples of a pixel's side; how many of them lie inside a shape decides about a pixel on its edge.
const SAMPLES: u32 = 8;

/// Red, green and blue.
type Colour = [u8; 3];

/// A tile, a light shade and a deep one, in sixteen hues (OKLCH); without the yellows, which are muddy where they are this dark.
///
/// The tile's contrast is 4.1:1 at least to a white page and to a nearly black one (`#14171c`), that of each shade to the tile
/// 3:1, which is what WCAG asks of graphics.
const PALETTE: [[Colour; 3]; 16] = [
    [[0xbf, 0x5e, 0x61], [0xfe, 0xd8, 0xd7], [0x59, 0x20, 0x22]],
    [[0xbe, 0x61, 0x4a], [0xfe, 0xd9, 0xcf], [0x58, 0x21, 0x14]],
    [[0xb9, 0x66, 0x32], [0xff, 0xd9, 0xc5], [0x56, 0x24, 0x01]],
    [[0xae, 0x6d, 0x13], [0xfe, 0xdb, 0xb7], [0x4b, 0x2b, 0x01]],
    [[0x57, 0x88, 0x37], [0xcb, 0xea, 0xbb], [0x1c, 0x3a, 0x05]],
    [[0x38, 0x8c, 0x4d], [0xbf, 0xec, 0xc5], [0x03, 0x3b, 0x16]],
    [[0x09, 0x8d, 0x62], [0xb4, 0xed, 0xd1], [0x01, 0x3b, 0x27]],
    [[0x0f, 0x8b, 0x7a], [0xab, 0xee, 0xe0], [0x02, 0x3a, 0x32]],
    [[0x10, 0x89, 0x92], [0xa7, 0xed, 0xf3], [0x02, 0x39, 0x3d]],
    [[0x0a, 0x86, 0xad], [0xb8, 0xe8, 0xfe], [0x01, 0x37, 0x4a]],
    [[0x34, 0x80, 0xc1], [0xc9, 0xe4, 0xff], [0x01, 0x34, 0x5b]],
    [[0x5a, 0x79, 0xc7], [0xd4, 0xe1, 0xff], [0x1f, 0x30, 0x5e]],
    [[0x77, 0x72, 0xc5], [0xde, 0xde, 0xff], [0x31, 0x2c, 0x5d]],
    [[0x91, 0x6a, 0xbb], [0xea, 0xda, 0xff], [0x3f, 0x28, 0x57]],
    [[0xa9, 0x63, 0xa4], [0xfe, 0xd4, 0xf9], [0x4d, 0x23, 0x4a]],
    [[0xb9, 0x5e, 0x84], [0xff, 0xd6, 0xe4], [0x56, 0x20, 0x38]],
];

/// What a cell holds.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A disc of half the cell's side.
    Dot,
    Square,
    Disc,
    /// A quarter of a disc whose middle is a corner of the cell.
    Quarter(Corner),
    /// What two quarters from opposite corners share.
    Leaf(Corner),
    /// A quarter of a ring around a corner.
    Arch(Corner),
}

/// A corner of a cell, by whether it lies right and below.
#[derive(Debug, Clone, Copy)]
struct Corner {
    right: bool,
    below: bool,
}

impl Shape {
    /// Four bits choose the shape, the next two how it lies.
    fn of(bits: u8) -> Self {
        let corner = Corner {
            right: bits & 0x10 != 0,
            below: bits & 0x20 != 0,
        };
        match bits & 0xF {
            0 => Self::Dot,
            1 => Self::Square,
            2 => Self::Disc,
            3..8 => Self::Quarter(corner),
            8..12 => Self::Leaf(corner),
            _ => Self::Arch(corner),
        }
    }

    /// Whether a point of the cell lies inside. Its side is `2 * half`.
    fn holds(self, x: u32, y: u32, half: u32) -> bool {
        let side = 2 * half;
        let from = |corner: Corner| {
            let x = if corner.right { side - x } else { x };
            let y = if corner.below { side - y } else { y };
            x * x + y * y
        };
        let middle = x.abs_diff(half).pow(2) + y.abs_diff(half).pow(2);
        match self {
            Self::Square => true,
            Self::Disc => middle <= half * half,
            Self::Dot => 4 * middle <= half * half,
            Self::Quarter(corner) => from(corner) <= side * side,
            Self::Leaf(corner) => {
                let opposite = Corner {
                    right: !corner.right,
                    below: !corner.below,
                };
                from(corner) <= side * side && from(opposite) <= side * side
            }
            Self::Arch(corner) => (half * half..=side * side).contains(&from(corner)),
        }
    }

    /// How many samples of a pixel lie inside. The cell has `side` pixels a side.
    fn cover(self, x: u32, y: u32, side: u32) -> u32 {
        let half = side * SAMPLES;
        // Twice as fine as the samples, so that each lies in the middle of its place.
        let at = |pixel: u32, sample: u32| 2 * (pixel * SAMPLES + sample) + 1;
        let samples = (0..SAMPLES).flat_map(|row| (0..SAMPLES).map(move |column| (row, column)));
        let inside = samples.map(|(row, column)| self.holds(at(x, column), at(y, row), half));
        inside.map(u32::from).sum()
    }
}

/// Draws the picture of an id as a PNG: the same for ever.
///
/// # Errors
/// [`Error::Internal`] if it can't be encoded.
pub fn draw(id: Id, size: Size) -> Result<Vec<u8>> {
    encode(&tile(id, size.pixels()).into(), Format::Png)
        .map_err(|error| Error::Internal(format!("a default picture: {error}")))
}

/// The picture of an id, of so many pixels a side: a multiple of [`UNITS`].
fn tile(id: Id, side: u32) -> RgbImage {
    let bits: [u8; 32] = Sha256::digest(id.bits().to_be_bytes()).into();
    let [hue, bits @ ..] = bits;
    let [ground, light, deep] = PALETTE[usize::from(hue & 0xF)];
    let mut tile = RgbImage::from_pixel(side, side, Rgb(ground));
    let unit = side / UNITS;
    let cell = CELL * unit;
    // The upper left quarter.
    let places = (0..CELLS / 2).flat_map(|row| (0..CELLS / 2).map(move |column| (row, column)));
    for ((row, column), bits) in places.zip(bits) {
        let shape = Shape::of(bits);
        let ink = if bits & 0xC0 == 0 { deep } else { light };
        for (y, x) in (0..cell).flat_map(|y| (0..cell).map(move |x| (y, x))) {
            let colour = Rgb(mix(ground, ink, shape.cover(x, y, cell)));
            let left = MARGIN * unit + column * cell + x;
            let y = MARGIN * unit + row * cell + y;
            tile.put_pixel(left, y, colour);
            tile.put_pixel(side - 1 - left, y, colour);
            tile.put_pixel(left, side - 1 - y, colour);
            tile.put_pixel(side - 1 - left, side - 1 - y, colour);
        }
    }
    tile
}

/// A colour that is so many samples of a pixel over another.
fn mix(ground: Colour, shade: Colour, samples: u32) -> Colour {
    const ALL: u32 = SAMPLES * SAMPLES;
    std::array::from_fn(|channel| {
        let (ground, shade) = (u32::from(ground[channel]), u32::from(shade[channel]));
        let mixed = (ground * (ALL - samples) + shade * samples + ALL / 2) / ALL;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = [255; 3];
    const NEARLY_BLACK: Colour = [0x14, 0x17, 0x1C];

    fn id(bits: i64) -> Id {
        Id::from_bits(bits).unwrap()
    }

    /// WCAG 2.2, "relative luminance" and "contrast ratio".
    fn contrast(one: Colour, other: Colour) -> f64 {
        let [lower, higher] = {
            let mut both = [one, other].map(|colour| {
                let [red, green, blue] = colour.map(|channel| {
                    let part = f64::from(channel) / 255.0;
                    if part <= 0.04045 {
                        part / 12.92
                    } else {
                        ((part + 0.055) / 1.055).powf(2.4)
                    }
                });
                0.2126 * red + 0.7152 * green + 0.0722 * blue
            });
            both.sort_by(f64::total_cmp);
            both
        };
        (higher + 0.05) / (lower + 0.05)
    }

    #[test]
    fn every_tile_stands_out_from_light_and_from_dark_pages_and_its_shapes_from_the_tile() {
        for [ground, light, deep] in PALETTE {
            assert!(contrast(ground, WHITE) >= 4.1 && contrast(ground, NEARLY_BLACK) >= 4.1);
            assert!(contrast(ground, light) >= 3.0 && contrast(ground, deep) >= 3.0);
        }
    }

    #[test]
    fn the_pictures_of_known_ids_stay_as_they_are_for_ever() {
        let mut pixels = Sha256::new();
        for bits in [0, 1, 42_388_375_784_780_768, i64::MAX] {
            for size in Size::ALL {
                pixels.update(tile(id(bits), size.pixels()).as_raw());
            }
        }
        let hash = crate::images::ImageHash(pixels.finalize().into());
        assert_eq!(
            hash.to_string(),
            "b5a30a0d413e340676817d472383d7cfddb8d52148e019fcc3170ac3926e2890"
        );
    }

    #[test]
    fn a_picture_is_its_own_mirror_and_framed_by_its_tile() {
        for bits in 0..100 {
            for side in [16, 128] {
                let picture = tile(id(bits), side);
                assert!(picture == image::imageops::flip_horizontal(&picture));
                let frame = MARGIN * side / UNITS;
                let ground = picture.get_pixel(0, 0);
                assert!(PALETTE.iter().any(|[tile, ..]| ground.0 == *tile));
                for (x, y, pixel) in picture.enumerate_pixels() {
                    let edge = x.min(y).min(side - 1 - x).min(side - 1 - y);
                    assert!(edge >= frame || pixel == ground);
                }
            }
        }
    }

    #[test]
    fn a_small_picture_is_the_large_one_seen_from_afar() {
        for bits in 0..20 {
            let large = tile(id(bits), 512);
            let small = tile(id(bits), 16);
            for (x, y, pixel) in small.enumerate_pixels() {
                let seen = image::imageops::crop_imm(&large, x * 32, y * 32, 32, 32).to_image();
                for channel in 0..3 {
                    let sum: u32 = seen.pixels().map(|pixel| u32::from(pixel.0[channel])).sum();
                    assert!((sum / 1_024).abs_diff(pixel.0[channel].into()) <= 6);
                }
            }
        }
    }

    #[test]
    fn neighbouring_ids_have_pictures_of_their_own() {
        let pictures: std::collections::HashSet<_> = (0..1_000)
            .map(|bits| tile(id(bits), 16).into_raw())
            .collect();
        assert!(pictures.len() >= 999, "{}", pictures.len());
    }

    #[test]
    fn a_picture_is_a_png_of_the_size_that_was_asked_for() {
        for size in Size::ALL {
            let png = draw(id(7), size).unwrap();
            let picture =
                image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap();
            assert!(picture.into_rgb8() == tile(id(7), size.pixels()));
        }
    }
}
