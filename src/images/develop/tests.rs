//! Pictures of every kind, shape and make, and files that are none.

use super::super::samples::*;
use super::*;

fn developed(bytes: Vec<u8>) -> Image {
    develop(&Upload::from_bytes(bytes).unwrap()).unwrap()
}

fn read(image: &Image) -> DynamicImage {
    image::load_from_memory_with_format(&image.png, ImageFormat::Png).unwrap()
}

fn picture_of(bytes: Vec<u8>) -> RgbaImage {
    read(&developed(bytes)).into_rgba8()
}

/// Whether no channel of a pixel is further away than this.
fn alike(one: &RgbaImage, other: &RgbaImage, most: u8) -> bool {
    one.dimensions() == other.dimensions()
        && one
            .iter()
            .zip(other.iter())
            .all(|(a, b)| a.abs_diff(*b) <= most)
}

#[test]
fn the_same_picture_makes_the_same_bytes_whatever_it_comes_in() {
    let picture = quarters(64, 64);
    let rgba = file(picture.clone(), ImageFormat::Png);
    let image = developed(rgba.clone());
    assert_eq!(image.hash.0, <[u8; 32]>::from(Sha256::digest(&image.png)));
    for other in [
        rgba,
        file(
            DynamicImage::from(picture.clone()).into_rgb8(),
            ImageFormat::Png,
        ),
        file(
            DynamicImage::from(picture.clone()).into_rgb16(),
            ImageFormat::Png,
        ),
        file(picture.clone(), ImageFormat::WebP),
        file(picture.clone(), ImageFormat::Gif),
        webp_turned(picture.clone(), 1),
        animated_png(picture.clone()),
        webp_animated(&[picture.clone(), RgbaImage::new(64, 64)]),
        gif([picture, RgbaImage::new(64, 64)]),
        image.png.clone(),
    ] {
        assert_eq!(developed(other).hash, image.hash);
    }
}

#[test]
fn what_was_stored_elsewhere_is_recognised_and_nothing_else_is() {
    let known = |png: Vec<u8>| {
        let hash = ImageHash(Sha256::digest(&png).into());
        recognise(hash, png).map_err(|problem| problem.code)
    };
    let image = developed(file(quarters(64, 64), ImageFormat::Png));
    assert_eq!(known(image.png.clone()), Ok(image.clone()));
    let other = recognise(ImageHash([0; 32]), image.png.clone());
    assert_eq!(other.unwrap_err().code, "out_of_range");
    let mut torn = image.png.clone();
    let middle = torn.len() / 2;
    torn[middle] ^= 0xFF;
    for (png, code) in [
        (file(quarters(64, 32), ImageFormat::Png), "wrong_type"),
        (file(quarters(513, 513), ImageFormat::Png), "wrong_type"),
        (file(quarters(8, 8), ImageFormat::Png), "out_of_range"),
        (file(quarters(64, 64), ImageFormat::Gif), "wrong_type"),
        (png_claiming(4_000, 4_000), "wrong_type"),
        (image.png[..image.png.len() - 4].to_vec(), "wrong_type"),
        ([image.png.as_slice(), b"more"].concat(), "wrong_type"),
        (torn, "wrong_type"),
        (Vec::new(), "wrong_type"),
    ] {
        assert_eq!(known(png), Err(code));
    }
}

#[test]
fn a_jpeg_is_developed_to_what_it_shows() {
    let picture = quarters(64, 64);
    let image = picture_of(file(picture.clone(), ImageFormat::Jpeg));
    assert!(alike(&image, &picture, 40) && image.get_pixel(5, 5).0[0].abs_diff(200) < 5);
}

#[test]
fn every_kind_of_pixel_a_png_may_have_becomes_8_bits_of_rgb_or_rgba() {
    let mut picture = quarters(32, 32);
    let opaque = DynamicImage::from(picture.clone());
    for kind in [
        opaque.to_luma8().into(),
        opaque.to_luma16().into(),
        opaque.to_rgb8().into(),
        opaque.to_rgb16().into(),
        opaque.to_luma_alpha8().into(),
        opaque.to_luma_alpha16().into(),
        opaque.to_rgba8().into(),
        DynamicImage::from(opaque.to_rgba16()),
    ] {
        let image = read(&developed(file(kind.clone(), ImageFormat::Png)));
        assert_eq!(image.color(), image::ColorType::Rgb8);
        assert!(alike(&image.into_rgba8(), &kind.into_rgba8(), 1));
    }
    picture.put_pixel(0, 0, [1, 2, 3, 128].into());
    let image = read(&developed(file(picture, ImageFormat::Png)));
    assert_eq!(image.color(), image::ColorType::Rgba8);
}

#[test]
fn a_palette_with_transparency_is_developed() {
    let header = [0, 0, 0, 32, 0, 0, 0, 32, 2, 3, 0, 0, 0];
    let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..32 {
        // No filter, and then the four colours again and again, two bits each.
        std::io::Write::write_all(
            &mut rows,
            &[0, 0x1B, 0x1B, 0x1B, 0x1B, 0x1B, 0x1B, 0x1B, 0x1B],
        )
        .unwrap();
    }
    let png = [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        png_chunk(*b"IHDR", &header),
        png_chunk(
            *b"PLTE",
            &[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120],
        ),
        png_chunk(*b"tRNS", &[255, 128, 0]),
        png_chunk(*b"IDAT", &rows.finish().unwrap()),
        png_chunk(*b"IEND", b""),
    ];
    let image = picture_of(png.concat());
    let pixels = [0, 1, 2, 3].map(|x| image.get_pixel(x, 0).0);
    assert_eq!(
        pixels,
        [
            [10, 20, 30, 255],
            [40, 50, 60, 128],
            [0; 4],
            [100, 110, 120, 255]
        ]
    );
}

#[test]
fn the_middle_is_cut_out_square() {
    let wide = RgbaImage::from_fn(100, 40, |x, _| [u8::try_from(x).unwrap(), 0, 0, 255].into());
    let image = picture_of(file(wide, ImageFormat::Png));
    assert_eq!(image.dimensions(), (40, 40));
    assert_eq!(
        (image.get_pixel(0, 0).0[0], image.get_pixel(39, 39).0[0]),
        (30, 69)
    );
    let high = RgbaImage::from_fn(17, 31, |_, y| [u8::try_from(y).unwrap(), 0, 0, 255].into());
    let image = picture_of(file(high, ImageFormat::Png));
    assert_eq!(image.dimensions(), (17, 17));
    assert_eq!(
        (image.get_pixel(0, 0).0[0], image.get_pixel(16, 16).0[0]),
        (7, 23)
    );
}

#[test]
fn what_is_larger_is_scaled_down_to_512_and_nothing_is_scaled_up() {
    for (side, stored) in [(16, 16), (511, 511), (512, 512), (513, 512), (1024, 512)] {
        let image = picture_of(file(quarters(side, side), ImageFormat::Png));
        assert_eq!(image.dimensions(), (stored, stored));
        assert_eq!(
            image.get_pixel(stored / 4, stored / 4).0,
            [200, 30, 30, 255]
        );
    }
}

#[test]
fn a_picture_is_turned_upright_as_its_camera_was_held() {
    let picture = quarters(64, 64);
    let [red, green, blue, yellow] =
        [(16, 16), (48, 16), (16, 48), (48, 48)].map(|(x, y)| picture.get_pixel(x, y).0);
    // What must stand top left, top right, bottom left and bottom right.
    let upright = [
        [red, green, blue, yellow],
        [green, red, yellow, blue],
        [yellow, blue, green, red],
        [blue, yellow, red, green],
        [red, blue, green, yellow],
        [blue, red, yellow, green],
        [yellow, green, blue, red],
        [green, yellow, red, blue],
    ];
    for (orientation, corners) in (1..).zip(upright) {
        let metadata = [b"Exif\0\0".as_slice(), &exif(orientation)].concat();
        let jpeg = file(picture.clone(), ImageFormat::Jpeg);
        let png = file(picture.clone(), ImageFormat::Png);
        for bytes in [
            jpeg_with(&jpeg, &[jpeg_segment(0xE1, &metadata)]),
            png_with(&png, &[png_chunk(*b"eXIf", &exif(orientation))]),
            webp_turned(picture.clone(), orientation),
        ] {
            let image = picture_of(bytes);
            let found =
                [(16, 16), (48, 16), (16, 48), (48, 48)].map(|(x, y)| image.get_pixel(x, y).0);
            let near = found.as_flattened().iter().zip(corners.as_flattened());
            assert!(
                near.clone().all(|(a, b)| a.abs_diff(*b) < 8),
                "{orientation}: {found:?}"
            );
        }
    }
}

#[test]
fn metadata_that_lies_is_no_reason_to_refuse() {
    let jpeg = file(quarters(32, 32), ImageFormat::Jpeg);
    let plain = developed(jpeg.clone());
    for nonsense in [b"MM\0\x2A\xFF\xFF\xFF\xFF".as_slice(), b"II", b"", &exif(9)] {
        let metadata = [b"Exif\0\0".as_slice(), nonsense].concat();
        let image = developed(jpeg_with(&jpeg, &[jpeg_segment(0xE1, &metadata)]));
        assert_eq!(image.hash, plain.hash);
    }
}

#[test]
fn nothing_but_the_picture_is_stored() {
    let html = b"<script>alert('here')</script>";
    let text = [b"Comment\0".as_slice(), html].concat();
    let png = file(quarters(32, 32), ImageFormat::Png);
    let jpeg = file(quarters(32, 32), ImageFormat::Jpeg);
    for bytes in [
        png_with(
            &png,
            &[png_chunk(*b"tEXt", &text), png_chunk(*b"prVt", html)],
        ),
        jpeg_with(&jpeg, &[jpeg_segment(0xFE, html), jpeg_segment(0xE5, html)]),
    ] {
        let stored = developed(bytes).png;
        let (mut rest, mut kinds) = (&stored[8..], Vec::new());
        while let [a, b, c, d, kind @ ..] = rest {
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
            kinds.push(&kind[..4]);
            rest = &rest[12 + length..];
        }
        kinds.dedup();
        assert_eq!(kinds, [b"IHDR", b"IDAT", b"IEND"]);
    }
}

#[test]
fn the_colours_of_what_nobody_can_see_are_not_stored() {
    let secret = RgbaImage::from_fn(32, 32, |x, _| {
        [7, 8, 9, if x < 16 { 0 } else { 255 }].into()
    });
    let image = picture_of(file(secret, ImageFormat::Png));
    assert_eq!(image.get_pixel(3, 3).0, [0; 4]);
    assert_eq!(image.get_pixel(20, 3).0, [7, 8, 9, 255]);
}

#[test]
fn the_colours_of_what_nobody_can_see_do_not_bleed_into_the_rest() {
    let disc = RgbaImage::from_fn(1024, 1024, |x, y| {
        let inside = x.abs_diff(512).pow(2) + y.abs_diff(512).pow(2) < 400 * 400;
        if inside {
            [250, 250, 250, 255].into()
        } else {
            [0; 4].into()
        }
    });
    let png = developed(file(disc, ImageFormat::Png)).png;
    for size in Size::ALL {
        let shown = render(png.clone(), Format::Png, Some(size)).unwrap();
        let shown = image::load_from_memory(&shown).unwrap().into_rgba8();
        let edge = shown.pixels().filter(|pixel| pixel.0[3] > 64);
        assert!(edge.clone().count() > 100);
        assert!(
            edge.flat_map(|pixel| &pixel.0[..3])
                .all(|channel| *channel > 230)
        );
    }
}

#[test]
fn an_image_whose_pixels_are_damaged_is_refused() {
    let mut png = file(noise(64, 64), ImageFormat::Png);
    let middle = png.len() / 2;
    png[middle] ^= 0x55;
    let gif = b"GIF89a\x20\0\x20\0\0\0\0\x3B".to_vec();
    let no_table =
        b"GIF89a\x20\0\x20\0\0\0\0\x2C\0\0\0\0\x20\0\x20\0\0\x02\x02\x4C\x01\0\x3B".to_vec();
    let sides = file(noise(32, 32), ImageFormat::Jpeg);
    let start = sides
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    let no_scan = [&sides[..start], &[0xFF, 0xD9]].concat();
    for bytes in [png, png_claiming(64, 64), gif, no_table, no_scan] {
        let problem = develop(&Upload::from_bytes(bytes).unwrap()).unwrap_err();
        assert_eq!(problem, damaged());
    }
}

#[test]
fn the_largest_picture_of_all_is_small_when_packed_and_fits_what_may_be_allocated() {
    let deep = DynamicImage::new_rgba16(DECODED_SIDE, DECODED_SIDE);
    let bomb = file(deep, ImageFormat::Png);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read(&developed(bomb)).width(), STORED_SIDE);
}

#[test]
fn metadata_that_swells_beyond_what_may_be_allocated_is_let_be() {
    let mut profile = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..=MOST_DECODED >> 14 {
        std::io::Write::write_all(&mut profile, &[0; 1 << 14]).unwrap();
    }
    let data = [b"icc\0\0".as_slice(), &profile.finish().unwrap()].concat();
    let png = file(quarters(32, 32), ImageFormat::Png);
    let bomb = png_with(&png, &[png_chunk(*b"iCCP", &data)]);
    assert_eq!(developed(bomb).hash, developed(png).hash);
}

#[test]
fn a_stored_png_is_shown_as_it_is_or_smaller_and_never_larger() {
    let png = developed(file(noise(100, 100), ImageFormat::Png)).png;
    for size in [None, "128".parse().ok(), "512".parse().ok()] {
        assert!(render(png.clone(), Format::Png, size).unwrap() == png);
    }
    for (size, side) in Size::ALL.into_iter().zip([16, 32, 64, 100, 100, 100]) {
        for (format, written) in [
            (Format::Png, ImageFormat::Png),
            (Format::Webp, ImageFormat::WebP),
        ] {
            let shown = render(png.clone(), format, Some(size)).unwrap();
            let shown = image::load_from_memory_with_format(&shown, written).unwrap();
            assert_eq!((shown.width(), shown.height()), (side, side));
        }
    }
}

#[test]
fn a_webp_shows_what_is_stored_without_loss() {
    let mut picture = noise(64, 64);
    picture.put_pixel(1, 1, [9, 9, 9, 100].into());
    let png = developed(file(picture.clone(), ImageFormat::Png)).png;
    let shown = render(png, Format::Webp, None).unwrap();
    let shown = image::load_from_memory_with_format(&shown, ImageFormat::WebP).unwrap();
    assert!(shown.into_rgba8() == picture);
}

#[test]
fn a_stored_image_that_can_not_be_read_is_the_servers_fault() {
    for format in [Format::Png, Format::Webp] {
        assert!(matches!(
            render(b"not a PNG".to_vec(), format, None),
            Err(Error::Internal(_))
        ));
    }
}
