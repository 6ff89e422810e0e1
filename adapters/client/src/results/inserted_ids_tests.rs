//! They read like a map, whatever they are and whichever are missing.

use std::collections::BTreeMap;

use bson::Bson;
use bson::oid::ObjectId;

use super::{InsertedIds, Values};

fn object_id(number: u8) -> Bson {
    Bson::ObjectId(ObjectId::from_bytes([number; 12]))
}

fn all(entries: &[(usize, Bson)]) -> InsertedIds {
    let mut ids = InsertedIds::with_capacity(entries.len());
    for (index, id) in entries {
        ids.push(*index, id.clone());
    }
    ids
}

#[test]
fn they_are_what_was_put_in() {
    let lists = [
        vec![],
        vec![(0, object_id(0)), (1, object_id(1))],
        vec![(0, Bson::from(1)), (1, object_id(1)), (2, Bson::from("two"))],
        vec![(0, object_id(0)), (1, Bson::from(1)), (5, object_id(5))],
        vec![(3, object_id(3)), (4, object_id(4)), (9, object_id(9))],
    ];
    for (number, list) in lists.iter().enumerate() {
        let ids = all(list);
        let map: BTreeMap<usize, Bson> = list.iter().cloned().collect();
        assert_eq!((ids.len(), ids.is_empty()), (map.len(), map.is_empty()));
        for index in 0..12 {
            assert_eq!(ids.get(index).as_ref(), map.get(&index), "{index} of {map:?}");
        }
        assert!(ids.indexes().eq(map.keys().copied()));
        assert!(ids.values().eq(map.values().cloned()));
        assert_eq!(ids.iter().len(), map.len());
        assert_eq!(ids.iter().collect::<BTreeMap<_, _>>(), map);
        assert_eq!(format!("{ids:?}"), format!("{map:?}"));
        for (other, entries) in lists.iter().enumerate() {
            assert_eq!(ids == all(entries), number == other);
        }
    }
}

#[test]
fn object_ids_need_no_index_and_no_bson() {
    let ids = all(&[(0, object_id(0)), (1, object_id(1))]);
    assert!(matches!((&ids.indexes, &ids.values), (None, Values::ObjectIds(ids)) if ids.len() == 2));
}

#[test]
fn those_that_are_kept_stay_where_they_were() {
    let ids = all(&[(0, object_id(0)), (2, Bson::from(2)), (3, object_id(3)), (7, object_id(7))]);
    assert_eq!(ids.keep(&[0, 1, 3, 7]), all(&[(0, object_id(0)), (3, object_id(3)), (7, object_id(7))]));
    assert!(ids.keep(&[]).is_empty());
    assert_eq!(ids.keep(&[0, 2, 3, 7]), ids);
}
