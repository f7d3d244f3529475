//! Pictures, which are scaled once and then served from memory.

use base64ct::{Base64, Encoding};
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

use crate::report::{Bound, Case, RATE};
use crate::seed;
use crate::server::{Result, text};
use crate::turns::Plan;
use crate::world::{SMALL, World, measure};
use crate::wrk::{Load, request};

pub(crate) fn scaled(plan: &Plan) -> Result<Case> {
    avatar(plan, "an avatar of 64 pixels", "?size=64")
}

pub(crate) fn whole(plan: &Plan) -> Result<Case> {
    avatar(plan, "an avatar of 512 pixels", "")
}

pub(crate) fn drawn(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let title = "a drawn avatar of 64 pixels";
    let path = format!("/avatars/{}/default.png?size=64", seed::id(0));
    serve(plan, title, &world, &path)
}

fn avatar(plan: &Plan, title: &str, query: &str) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let answer = ureq::patch(format!("{}/users/@me", world.server.url))
        .header("Authorization", format!("Bearer {}", seed::token(0)))
        .header("Content-Type", "application/json")
        .send(json!({ "avatar": picture()? }).to_string())?
        .into_body()
        .read_to_string()?;
    let user: Value = serde_json::from_str(&answer)?;
    let (id, avatar) = (text(&user["id"])?, text(&user["avatar"])?);
    serve(
        plan,
        title,
        &world,
        &format!("/avatars/{id}/{avatar}.png{query}"),
    )
}

fn serve(plan: &Plan, title: &str, world: &World, path: &str) -> Result<Case> {
    let request = request("GET", path, None, "");
    let load = Load::new(&plan.file("requests"), 32, [request.clone()])?;
    let case = measure(plan, title, world, &request, load)?;
    Ok(case.hold("saryno", "bare", RATE, Bound::None))
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
