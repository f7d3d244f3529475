//! How fast the real server is over HTTP, against a bare Rocket route that answers the same bytes.
//!
//! `cargo bench --bench http` starts both on free ports of this machine and drives them with `wrk` (Debian's package of that
//! name), in turns, because a machine that others use is now fast and now slow. What counts is the ratio of the medians.

mod server;
mod wrk;

use std::env;
use std::fs;
use std::process::Command;

use base64ct::{Base64, Encoding};
use image::{ImageFormat, RgbImage};
use rocket::http::ContentType;
use rocket::{Config, State, get, routes};
use serde_json::Value;

use server::{Result, Server, text};
use wrk::{Driven, drive};

/// How often each of the two is measured.
const PAIRS: usize = 5;

/// What says to a second process of this program that it is the bare one.
const BARE: &str = "--bare";

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(BARE), Some(file)) => bare(fs::read(file)?),
        _ => measure(),
    }
}

/// One route, one constant, no fairing.
fn bare(body: Vec<u8>) -> Result<()> {
    #[get("/")]
    fn constant(body: &State<Vec<u8>>) -> (ContentType, &[u8]) {
        (ContentType::PNG, body.inner())
    }
    let config = Config {
        port: 0,
        log_level: rocket::config::LogLevel::Off,
        ..Config::release_default()
    };
    let announce = rocket::fairing::AdHoc::on_liftoff("where it listens", |rocket| {
        Box::pin(async move { println!("listening on http://127.0.0.1:{}", rocket.config().port) })
    });
    let server = rocket::custom(config)
        .manage(body)
        .mount("/", routes![constant])
        .attach(announce);
    rocket::execute(server.launch())?;
    Ok(())
}

fn measure() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let saryno = env!("CARGO_BIN_EXE_saryno");
    let server = Server::start(
        Command::new(saryno)
            .arg("serve")
            .args(["--port", "0"])
            .arg("--data")
            .arg(&data),
    )?;
    let made = Command::new(saryno)
        .args(["user", "create", "Ada", "--token", "--json", "--data"])
        .arg(&data)
        .output()?;
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let (user, token) = (text(&made["user"]["id"])?, text(&made["token"])?);
    let answer = ureq::patch(format!("{}/users/@me", server.url))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .send(serde_json::json!({ "avatar": picture()? }).to_string())?
        .into_body()
        .read_to_string()?;
    let avatar: Value = serde_json::from_str(&answer)?;
    let avatar = text(&avatar["avatar"])?;

    println!(
        "{:<28} {:>8} {:>12} {:>12} {:>8} {:>8}",
        "", "bytes", "a second", "bare", "ratio", "p99 ms"
    );
    for (case, path) in [
        (
            "an avatar of 64 pixels",
            format!("/avatars/{user}/{avatar}.png?size=64"),
        ),
        (
            "an avatar of 512 pixels",
            format!("/avatars/{user}/{avatar}.png"),
        ),
        (
            "a drawn one of 64 pixels",
            format!("/avatars/{user}/default.png?size=64"),
        ),
    ] {
        let url = format!("{}{path}", server.url);
        let bytes = ureq::get(&url).call()?.into_body().read_to_vec()?;
        let file = directory.path().join("bare");
        fs::write(&file, &bytes)?;
        let bare = Server::start(Command::new(env::current_exe()?).arg(BARE).arg(&file))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            theirs.push(drive(&bare.url, None)?);
            ours.push(drive(&url, None)?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "{case:<28} {:>8} {:>12.0} {:>12.0} {:>8.2} {:>8.2}",
            bytes.len(),
            ours.rate,
            theirs.rate,
            ours.rate / theirs.rate,
            ours.p99
        );
    }
    Ok(())
}

/// Something like a photograph: smooth, with some noise.
fn picture() -> Result<String> {
    let mut noise = 20_200_925_u32;
    let image = RgbImage::from_fn(512, 512, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = noise >> 29;
        let shade = |value: u32| u8::try_from((value / 4 + grain).min(255)).unwrap_or(255);
        image::Rgb([shade(x + y), shade(2 * x), shade(2 * y)])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png)?;
    let data = Base64::encode_string(png.get_ref());
    Ok(format!("data:image/png;base64,{data}"))
}

fn median(mut driven: Vec<Driven>) -> Driven {
    driven.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    driven[driven.len() / 2]
}
