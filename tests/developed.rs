//! What is stored of an image that somebody sends: a still square without anything but the picture, whatever it came as.

use image::{ImageFormat, Rgb, RgbImage};

use crate::avatars::{put_on, shown, stored};
use crate::channels::people;
use crate::painting::{canvas, chunks, decoded, encode, gif, hash, labelled, png_of, square, uri};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_count_and_not_the_label() {
    let server = Server::start().await;
    let [me] = people(&server).await;
    let formats = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
    ];
    for format in formats {
        let bytes = encode(canvas(64, 64, 90), format);
        let mut found = Vec::new();
        for label in ["image/png", "image/gif", "text/html", "image/svg+xml", ""] {
            found.push(put_on(&server, &me, &labelled(label, &bytes)).await);
        }
        found.dedup();
        assert_eq!(found.len(), 1, "{format:?}");
        let path = format!("/avatars/{}/{}.png", me.id(), found[0]);
        let answer = shown(&server, &path).await;
        assert_eq!(answer.header("Content-Type"), Some("image/png"));
        let picture = decoded(&answer.bytes, ImageFormat::Png);
        assert_eq!((picture.width(), picture.height()), (64, 64), "{format:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_a_still_square_of_at_most_512_pixels_and_the_hash_is_of_it() {
    let server = Server::start().await;
    let [me] = people(&server).await;
    for (bytes, side) in [
        (encode(canvas(1_024, 700, 1), ImageFormat::Jpeg), 512),
        (encode(canvas(16, 16, 1), ImageFormat::Png), 16),
        (encode(canvas(300, 40, 1), ImageFormat::WebP), 40),
        (encode(canvas(600, 4_096, 1), ImageFormat::Png), 512),
        (gif(30), 16),
    ] {
        let avatar = put_on(&server, &me, &uri(&bytes)).await;
        let path = format!("/avatars/{}/{avatar}.png", me.id());
        let bytes = shown(&server, &path).await.bytes;
        assert_eq!(hash(&bytes), avatar);
        let sql = "SELECT png FROM images";
        let database = server.database();
        let row: Vec<u8> = database.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(row, bytes);
        let picture = decoded(&bytes, ImageFormat::Png);
        assert_eq!((picture.width(), picture.height()), (side, side));
        let kinds = chunks(&bytes).into_iter().map(|(kind, _)| kind);
        assert!(
            kinds
                .into_iter()
                .all(|kind| ["IHDR", "IDAT", "IEND"].contains(&&*kind))
        );
    }
    assert_eq!(stored(&server), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_cut_in_its_middle_and_stands_as_its_camera_says() {
    let server = Server::start().await;
    let [me] = people(&server).await;
    let (red, green, blue) = (
        Rgb([200_u8, 0, 0]),
        Rgb([0, 200_u8, 0]),
        Rgb([0, 0, 200_u8]),
    );
    let corners = async |bytes: Vec<u8>| {
        let avatar = put_on(&server, &me, &uri(&bytes)).await;
        let path = format!("/avatars/{}/{avatar}.png", me.id());
        let seen = decoded(&shown(&server, &path).await.bytes, ImageFormat::Png).into_rgb8();
        [(20, 20), (80, 20), (20, 80), (80, 80)].map(|(x, y)| {
            let nearest = [red, green, blue].into_iter();
            nearest
                .min_by_key(|colour| {
                    let channels = colour.0.iter().zip(seen.get_pixel(x, y).0);
                    channels.map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>()
                })
                .unwrap()
        })
    };
    let stripes = RgbImage::from_fn(300, 100, |x, _| [red, green, blue][x as usize / 100]);
    let png = encode(stripes.into(), ImageFormat::Png);
    assert_eq!(corners(png).await, [green; 4]);

    let halves = RgbImage::from_fn(100, 100, |x, _| if x < 50 { red } else { blue });
    let jpeg = encode(halves.into(), ImageFormat::Jpeg);
    assert_eq!(corners(jpeg.clone()).await, [red, blue, red, blue]);
    // 6: to be turned by a quarter, clockwise; what lies left goes up.
    let exif =
        b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
    assert_eq!(corners(turned).await, [red, red, blue, blue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_image_tells_besides_the_picture_is_not_kept() {
    let server = Server::start().await;
    let [me] = people(&server).await;
    let secret: &[u8] = b"Comment\0taken at home";
    let plain = square(1);
    let mut parts = chunks(&plain);
    parts.insert(1, ("tEXt".to_owned(), secret));
    parts.insert(2, ("eXIf".to_owned(), b"MM\0*\0\0\0\x08\0\0\0\0\0\0"));
    let png = png_of(&parts);
    let jpeg = encode(canvas(64, 64, 1), ImageFormat::Jpeg);
    let length = u16::try_from(secret.len() + 2).unwrap().to_be_bytes();
    let jpeg = [&jpeg[..2], b"\xFF\xFE", &length, secret, &jpeg[2..]].concat();
    for bytes in [png, jpeg] {
        assert!(bytes.windows(secret.len()).any(|part| part == secret));
        let avatar = put_on(&server, &me, &uri(&bytes)).await;
        let path = format!("/avatars/{}/{avatar}.png", me.id());
        let answer = shown(&server, &path).await;
        let kinds: Vec<_> = chunks(&answer.bytes)
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(kinds, ["IHDR", "IDAT", "IEND"]);
        assert!(!answer.bytes.windows(5).any(|part| part == b"taken"));
    }
}
