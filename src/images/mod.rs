//! Images: avatars of users and icons of communities, from what a client sends to what others see (contract, section 3).
//!
//! An [`Upload`] is checked where it arrives as far as that costs nothing. A [`Studio`] decodes it and makes the [`Image`] that
//! is stored, renders that in the sizes and formats that are asked for, and draws a picture for those who have none.

mod container;
mod develop;
mod pattern;
#[cfg(test)]
mod samples;
mod upload;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use base16ct::lower::{decode_vec, encode_string};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

pub use develop::{develop, recognise, render};
pub use pattern::draw;
pub use upload::Upload;

use crate::cores::Cores;
use crate::error::{Error, Problem, Result};
use crate::id::Id;

/// How many uploads are decoded at once, however many cores there are: a hostile one takes 200 MiB of memory.
const MOST_DECODERS: usize = 4;

/// How many uploads may be at work or wait: each holds up to 1.1 MiB, and takes a core 0.02 to 0.5 seconds.
const MOST_UPLOADS: usize = 32;

/// How many images may be rendered or wait for it: each holds up to 1 MiB, mostly a third of that, and takes a core 1 to 8
/// milliseconds.
const MOST_VIEWS: usize = 256;

/// The SHA-256 of a stored image: its name, and the version of whatever it is the picture of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$", example = "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a")]
pub struct ImageHash(pub [u8; 32]);

impl fmt::Display for ImageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_string(&self.0))
    }
}

impl FromStr for ImageHash {
    type Err = Problem;

    /// Exactly 64 lower-case hexadecimal digits, so that an image has one address only.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = || {
            Problem::wrong_type(
                "An image's hash is 64 lower-case hexadecimal digits; copy it whole.",
            )
        };
        let hash = decode_vec(text).map_err(|_| wrong())?;
        Ok(Self(hash.try_into().map_err(|_| wrong())?))
    }
}

impl Serialize for ImageHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An image as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// The SHA-256 of `png`.
    pub hash: ImageHash,
    /// A still square PNG of 16 to 512 pixels a side, 8 bit RGB or RGBA, without metadata.
    pub png: Vec<u8>,
}

impl fmt::Debug for Image {
    /// Not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}, {} bytes)", self.hash, self.png.len())
    }
}

/// What an image is shown as; both without loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// As it is stored.
    Png,
    /// Smaller by a third where it is flat, of much the same length else.
    Webp,
}

impl Format {
    /// The format of a file name's extension, in lower case and without the dot.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "png" => Some(Self::Png),
            "webp" => Some(Self::Webp),
            _ => None,
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// A side in pixels that an image may be asked for in: a power of two from 16 to 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u32);

impl Size {
    /// All of them, ascending.
    pub const ALL: [Self; 6] = [
        Self(16),
        Self(32),
        Self(64),
        Self(128),
        Self(256),
        Self(512),
    ];

    /// As large as an image gets.
    pub const LARGEST: Self = Self(512);

    /// The side in pixels.
    #[must_use]
    pub fn pixels(self) -> u32 {
        self.0
    }
}

impl FromStr for Size {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL
            .into_iter()
            .find(|size| size.0.to_string() == text)
            .ok_or_else(|| Problem::out_of_range("A size is one of 16, 32, 64, 128, 256 and 512."))
    }
}

/// Works on images off the async workers, at most one a core at a time. Cloning shares the queues.
#[derive(Clone)]
pub struct Studio {
    uploads: Arc<Cores>,
    /// Apart from the uploads: whoever looks at pictures shall not wait for those who change theirs.
    views: Arc<Cores>,
}

impl Studio {
    /// A studio for a machine of so many cores. On each of them, of four at most, an upload takes up to 192 MiB.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        Self {
            uploads: Arc::new(Cores::new(cores.min(MOST_DECODERS), MOST_UPLOADS)),
            views: Arc::new(Cores::new(cores, MOST_VIEWS)),
        }
    }

    /// Makes what is stored of an upload that came in `field`; see [`develop()`].
    ///
    /// # Errors
    /// [`Error::Invalid`] with `wrong_type` at `field` if the image is damaged, [`Error::Busy`] if too many wait already.
    pub async fn develop(&self, upload: Upload, field: &str) -> Result<Image> {
        let developed = self.uploads.run(move || develop(&upload)).await;
        judge(developed, field)
    }

    /// The same for a field that may be left out (`None`) or be `null` (`Some(None)`).
    ///
    /// # Errors
    /// As [`Studio::develop`].
    pub async fn develop_change(
        &self,
        given: Option<Option<Upload>>,
        field: &str,
    ) -> Result<Option<Option<Image>>> {
        Ok(match given {
            Some(Some(upload)) => Some(Some(self.develop(upload, field).await?)),
            Some(None) => Some(None),
            None => None,
        })
    }

    /// Makes what is shown of a stored PNG; see [`render()`].
    ///
    /// # Errors
    /// [`Error::Busy`] if too many wait already, [`Error::Internal`] if the stored image can't be read.
    pub async fn render(
        &self,
        png: Vec<u8>,
        format: Format,
        size: Option<Size>,
    ) -> Result<Vec<u8>> {
        self.views.run(move || render(png, format, size)).await?
    }

    /// The picture of whoever has none, as a PNG; see [`draw()`].
    ///
    /// # Errors
    /// [`Error::Busy`] if too many wait already.
    pub async fn draw(&self, id: Id, size: Size) -> Result<Vec<u8>> {
        self.views.run(move || draw(id, size)).await?
    }
}

/// Whose fault it is that there is no image. One at which a decoder panics is as damaged as one that it refuses.
fn judge(developed: Result<Result<Image, Problem>>, field: &str) -> Result<Image> {
    let image = match developed {
        Err(Error::Internal(_)) => Err(upload::damaged()),
        other => other?,
    };
    image.map_err(|problem| Error::field(field, problem))
}

/// Whose picture an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A user's avatar.
    User(Id),
    /// A community's icon.
    Community(Id),
}

/// What the store does with images; they come and go with those whose they are. Each method is one transaction; every one can
/// fail with `Busy` and `Internal`.
#[async_trait]
pub trait Images: Send + Sync {
    /// The stored PNG, which is the owner's picture at this moment.
    ///
    /// # Errors
    /// `NotFound` if the owner has another picture or none.
    async fn image(&self, owner: Owner, hash: ImageHash) -> Result<Vec<u8>>;

    /// Whether this is the owner's picture at this moment.
    ///
    /// # Errors
    /// None of its own.
    async fn has_image(&self, owner: Owner, hash: ImageHash) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_what_it_writes() {
        let hash = ImageHash(std::array::from_fn(|index| {
            u8::try_from(index * 8).unwrap()
        }));
        let text = hash.to_string();
        assert!(text.starts_with("0008101820") && text.len() == 64, "{text}");
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{text}\""));
    }

    #[test]
    fn what_is_not_64_lower_case_hexadecimal_digits_is_no_hash() {
        let good = "0123456789abcdef".repeat(4);
        for text in [
            "",
            &good[1..],
            &format!("{good}0"),
            &good.to_uppercase(),
            &good.replace('f', "g"),
            &good.replace("ef", "é"),
        ] {
            assert_eq!(
                text.parse::<ImageHash>().unwrap_err().code,
                "wrong_type",
                "{text}"
            );
        }
    }

    #[test]
    fn a_size_is_a_power_of_two_from_16_to_512() {
        for size in Size::ALL {
            assert_eq!(size.pixels().to_string().parse(), Ok(size));
        }
        for text in ["", "0", "8", "24", "1024", "016", "+16", "16.0", "x"] {
            assert_eq!(
                text.parse::<Size>().unwrap_err().code,
                "out_of_range",
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn an_image_that_proves_damaged_is_the_fault_of_its_field() {
        let empty = b"GIF89a\x20\0\x20\0\0\0\0\x3B".to_vec();
        let upload = Upload::from_bytes(empty).unwrap();
        let refused = Studio::new(1).develop(upload, "icon").await;
        assert_eq!(refused, Err(Error::field("icon", upload::damaged())));
    }

    #[tokio::test]
    async fn an_image_at_which_a_decoder_panics_is_damaged_and_a_full_queue_is_nobodys_fault() {
        let panicked = Cores::new(1, 1).run(|| panic!("as a decoder might")).await;
        let damaged = Error::field("avatar", upload::damaged());
        assert_eq!(judge(panicked, "avatar"), Err(damaged));
        assert_eq!(judge(Err(Error::Busy), "avatar"), Err(Error::Busy));
    }

    #[tokio::test]
    async fn a_studio_develops_renders_and_draws() -> Result<()> {
        let studio = Studio::new(1);
        let drawn = studio.draw(Id::MIN, Size(64)).await?;
        let upload = Upload::from_bytes(drawn).unwrap();
        let image = studio.develop(upload, "avatar").await?;
        let shown = studio
            .render(image.png, Format::Webp, Some(Size(16)))
            .await?;
        let shown = image::load_from_memory_with_format(&shown, image::ImageFormat::WebP).unwrap();
        assert_eq!((shown.width(), shown.height()), (16, 16));
        Ok(())
    }
}
