//! What is generated looks like what is specified.

use super::{Data, Scale};

fn bytes(document: &bson::Document) -> usize {
    bson::serialize_to_vec(document).unwrap().len()
}

#[test]
fn generated_documents_have_the_specified_shape() {
    let data = Data::generated(Scale::QUICK);
    assert_eq!(data.small.len(), 13);
    assert_eq!(data.tweet.len(), 17);
    assert_eq!(data.flat.len(), 145);
    assert_eq!(data.full.len(), 91);
    assert!((240..=280).contains(&bytes(&data.small)), "{}", bytes(&data.small));
    assert!((1500..=1570).contains(&bytes(&data.tweet)), "{}", bytes(&data.tweet));
    assert!((2_300_000..=3_000_000).contains(&bytes(&data.large)), "{}", bytes(&data.large));
    data.fits().unwrap();
}

#[test]
fn ids_stay_within_the_corpus() {
    let data = Data::generated(Scale { corpus: 3, ..Scale::QUICK });
    assert_eq!((0..5).map(|n| data.id(n)).collect::<Vec<_>>(), [1, 2, 3, 1, 2]);
}

#[test]
fn a_scale_is_read_as_it_is_written() {
    assert_eq!(Scale::FULL.to_string().parse::<Scale>().unwrap(), Scale::FULL);
    assert!("1,2,3".parse::<Scale>().is_err());
}

#[test]
fn what_is_saved_is_read() {
    let folder = std::env::temp_dir().join(format!("stator-benches-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let data = Data::generated(Scale::QUICK);
    data.save(&folder).unwrap();
    let read = Data::of_folder(&folder, Scale::QUICK).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((read.tweet, read.full, read.origin), (data.tweet, data.full, data.origin));
}
