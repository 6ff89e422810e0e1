//! Documents of the specified shape, for those who do not have the specification's own.

use bson::oid::ObjectId;
use bson::raw::cstr;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, Regex, Timestamp, doc};

/// Strings of the BSON tasks have this length.
const TEXT: usize = 80;

/// A document with these keys, its values by the names of their types.
pub(super) fn pairs(fields: &[(&str, &str)]) -> Document {
    fields.iter().zip(0..).map(|((key, kind), n)| ((*key).to_owned(), value(kind, n))).collect()
}

fn value(kind: &str, n: i32) -> Bson {
    let text = || "Stator ".chars().cycle().take(TEXT).collect::<String>();
    let wide = i64::from(n) + 7_000_000_000_000_000_000;
    match kind {
        "String" => text().into(),
        "f64" => Bson::Double(wide as f64),
        "i32" => Bson::Int32(n),
        "i64" => Bson::Int64(wide),
        "bool" => Bson::Boolean(n % 2 == 0),
        "ObjectId" => ObjectId::from_bytes([7; 12]).into(),
        "Binary" => Binary { subtype: BinarySubtype::Generic, bytes: vec![7; TEXT] }.into(),
        "DateTime" => DateTime::from_millis(1_400_000_000_000 + i64::from(n)).into(),
        "JavaScriptCodeWithScope" => JavaScriptCodeWithScope { code: text(), scope: doc! { "abcdefgh": n } }.into(),
        "Regex" => Regex { pattern: cstr!("abcdefgh").into(), options: cstr!("").into() }.into(),
        "Timestamp" => Timestamp { time: 1, increment: 1_027_123_200 }.into(),
        "Vec<Bson>" => Bson::Array((0..7).map(Bson::Int32).collect()),
        "Document" => doc! {}.into(),
        _ => Bson::MinKey,
    }
}

/// A balanced binary tree.
pub(super) fn deep(depth: usize) -> Document {
    match depth {
        0 | 1 => doc! { "leftValue": "abcdefgh", "rightValue": "ijklmnop" },
        _ => doc! { "left": deep(depth - 1), "right": deep(depth - 1) },
    }
}

/// Many short pairs, 2.8 million bytes in all.
pub(super) fn large() -> Document {
    (0..94_355).map(|n| (format!("pair{n:08}"), Bson::from(format!("text{n:08}")))).collect()
}

/// Thirteen pairs, about 250 bytes.
pub(super) fn small() -> Document {
    let text = (0..7).map(|i| (format!("text{i:04}"), Bson::from(format!("value{i:03}"))));
    let numbers = (0..6).map(|i| (format!("numb{i:04}"), Bson::from(41_000_000 + i)));
    text.chain(numbers).collect()
}

/// What a tweet of the year 2010 looked like.
pub(super) fn tweet() -> Document {
    doc! {
        "text": "@somebody a line of thirty-five char",
        "in_reply_to_status_id": 22_000_000_001_i64,
        "retweet_count": null,
        "contributors": null,
        "created_at": "Mon Jan 01 00:00:00 +0000 2024",
        "geo": null,
        "source": "web",
        "coordinates": null,
        "in_reply_to_screen_name": "somebody",
        "truncated": false,
        "entities": {
            "user_mentions": [{ "indices": [0, 9], "screen_name": "somebody", "name": "Some Body Somewhere", "id": 41_000_001 }],
            "urls": [],
            "hashtags": [],
        },
        "retweeted": false,
        "place": null,
        "user": user(),
        "favorited": false,
        "in_reply_to_user_id": 41_000_001,
        "id": 22_000_000_002_i64,
    }
}

fn user() -> Document {
    doc! {
        "friends_count": 179,
        "profile_sidebar_fill_color": "777777",
        "location": "A town, and another one too",
        "verified": false,
        "follow_request_sent": null,
        "favourites_count": 0,
        "profile_sidebar_border_color": "aaaaaa",
        "profile_image_url": "http://images.example.org/profile_images/0000000000/some_picture_of_somebody_at_10.00.00_AM_normal.png",
        "geo_enabled": false,
        "created_at": "Mon Jan 01 00:00:00 +0000 2024",
        "description": "somebody who likes to write lines of just the right length, here and there, now + then!!",
        "time_zone": "Mountain Time (US & Canada)",
        "url": "http://somebody.example.org/",
        "screen_name": "another",
        "notifications": null,
        "profile_background_color": "333333",
        "listed_count": 1,
        "lang": "en",
        "profile_background_image_url": "http://images.example.org/profile_background_images/000000000/Picture.png",
        "statuses_count": 1010,
        "following": null,
        "profile_text_color": "dddddd",
        "protected": false,
        "show_all_inline_media": false,
        "profile_background_tile": true,
        "name": "Another One",
        "contributors_enabled": false,
        "profile_link_color": "333333",
        "followers_count": 218,
        "id": 15_000_001,
        "profile_use_background_image": true,
        "utc_offset": -25_200,
    }
}
