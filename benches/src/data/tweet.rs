//! The specification's tweet as types, for the tasks that decode to structs.

use serde::{Deserialize, Serialize};

/// A tweet.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(missing_docs, reason = "the fields of the data")]
pub struct Tweet {
    #[serde(rename = "_id")]
    pub key: i32,
    pub text: String,
    pub in_reply_to_status_id: i64,
    pub retweet_count: Option<i32>,
    pub contributors: Option<i32>,
    pub created_at: String,
    pub geo: Option<String>,
    pub source: String,
    pub coordinates: Option<String>,
    pub in_reply_to_screen_name: String,
    pub truncated: bool,
    pub entities: Entities,
    pub retweeted: bool,
    pub place: Option<String>,
    pub user: User,
    pub favorited: bool,
    pub in_reply_to_user_id: i64,
    pub id: i64,
}

/// What a tweet mentions.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(missing_docs, reason = "the fields of the data")]
pub struct Entities {
    pub user_mentions: Vec<Mention>,
    pub urls: Vec<String>,
    pub hashtags: Vec<String>,
}

/// A user that is mentioned.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(missing_docs, reason = "the fields of the data")]
pub struct Mention {
    pub indices: Vec<i32>,
    pub screen_name: String,
    pub name: String,
    pub id: i64,
}

/// Who wrote a tweet.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(missing_docs, reason = "the fields of the data")]
pub struct User {
    pub friends_count: i32,
    pub profile_sidebar_fill_color: String,
    pub location: String,
    pub verified: bool,
    pub follow_request_sent: Option<bool>,
    pub favourites_count: i32,
    pub profile_sidebar_border_color: String,
    pub profile_image_url: String,
    pub geo_enabled: bool,
    pub created_at: String,
    pub description: String,
    pub time_zone: String,
    pub url: String,
    pub screen_name: String,
    pub notifications: Option<bool>,
    pub profile_background_color: String,
    pub listed_count: i32,
    pub lang: String,
    pub profile_background_image_url: String,
    pub statuses_count: i32,
    pub following: Option<bool>,
    pub profile_text_color: String,
    pub protected: bool,
    pub show_all_inline_media: bool,
    pub profile_background_tile: bool,
    pub name: String,
    pub contributors_enabled: bool,
    pub profile_link_color: String,
    pub followers_count: i32,
    pub id: i64,
    pub profile_use_background_image: bool,
    pub utc_offset: i32,
}
