//! Numbered slots that are reused, with doubly linked lists threaded through them.
//!
//! Looking up, linking and unlinking are O(1), and only growth beyond the former peak allocates. A key carries its
//! number as well as its slot, so a key that outlives its value finds nothing rather than a stranger.

use alloc::vec::Vec;

/// "No slot". An arena never grows so far that this becomes an index.
const NIL: u32 = u32::MAX;

/// Where a value is (`slot`) and which one it is (`number`: from 1, increasing, never used twice).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) number: u64,
    pub(super) slot: u32,
}

#[derive(Debug)]
struct Slot<T> {
    number: u64,
    prev: u32,
    next: u32,
    value: Option<T>,
}

/// The ends of one list. A value is a member of one list at most.
#[derive(Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
    len: u32,
}

impl List {
    pub(super) const fn new() -> Self {
        Self { head: NIL, tail: NIL, len: 0 }
    }

    pub(super) const fn len(&self) -> u32 {
        self.len
    }
}

#[derive(Debug)]
pub(super) struct Arena<T> {
    slots: Vec<Slot<T>>,
    /// The head of the chain of vacant slots, through `next`.
    vacant: u32,
    /// The number given last.
    last: u64,
}

impl<T> Arena<T> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), vacant: NIL, last: 0 }
    }

    /// Stores `value` under the next number; `None` only when every `u32` is taken.
    pub(super) fn insert(&mut self, value: T) -> Option<Key> {
        let number = self.last + 1;
        let slot = self.vacant;
        if let Some(vacant) = self.slots.get_mut(slot as usize) {
            self.vacant = vacant.next;
            *vacant = Slot { number, prev: NIL, next: NIL, value: Some(value) };
            self.last = number;
            return Some(Key { number, slot });
        }
        let slot = u32::try_from(self.slots.len()).ok().filter(|&slot| slot != NIL)?;
        self.slots.push(Slot { number, prev: NIL, next: NIL, value: Some(value) });
        self.last = number;
        Some(Key { number, slot })
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        self.slots.get(key.slot as usize).filter(|slot| slot.number == key.number)?.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.slots.get_mut(key.slot as usize).filter(|slot| slot.number == key.number)?.value.as_mut()
    }

    /// Takes the value out. It must have left its list before.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let vacant = self.vacant;
        let slot = self.slots.get_mut(key.slot as usize).filter(|slot| slot.number == key.number)?;
        let value = slot.value.take()?;
        slot.next = vacant;
        self.vacant = key.slot;
        Some(value)
    }

    /// Every key and value, in the order of the slots.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        (0..).zip(&mut self.slots).filter_map(|(slot, entry)| {
            let number = entry.number;
            entry.value.as_mut().map(|value| (Key { number, slot }, value))
        })
    }

    /// Every value, in the order of the slots.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|entry| entry.value.as_ref())
    }

    pub(super) fn front(&self, list: &List) -> Option<Key> {
        self.key_at(list.head)
    }

    pub(super) fn back(&self, list: &List) -> Option<Key> {
        self.key_at(list.tail)
    }

    /// The neighbour of `key` towards the front of its list.
    pub(super) fn before(&self, key: Key) -> Option<Key> {
        self.key_at(self.slots.get(key.slot as usize)?.prev)
    }

    pub(super) fn push_front(&mut self, list: &mut List, key: Key) {
        self.link(list, NIL, key.slot, list.head);
    }

    pub(super) fn push_back(&mut self, list: &mut List, key: Key) {
        self.link(list, list.tail, key.slot, NIL);
    }

    /// Puts `key` right after `prev`, a member of `list`.
    pub(super) fn insert_after(&mut self, list: &mut List, prev: Key, key: Key) {
        let next = self.slots.get(prev.slot as usize).map_or(NIL, |slot| slot.next);
        self.link(list, prev.slot, key.slot, next);
    }

    /// Takes `key`, a member of `list`, out of it.
    pub(super) fn unlink(&mut self, list: &mut List, key: Key) {
        let Some(slot) = self.slots.get_mut(key.slot as usize) else { return };
        let (prev, next) = (slot.prev, slot.next);
        (slot.prev, slot.next) = (NIL, NIL);
        match self.slots.get_mut(prev as usize) {
            Some(prev) => prev.next = next,
            None => list.head = next,
        }
        match self.slots.get_mut(next as usize) {
            Some(next) => next.prev = prev,
            None => list.tail = prev,
        }
        list.len -= 1;
    }

    fn link(&mut self, list: &mut List, prev: u32, slot: u32, next: u32) {
        if let Some(entry) = self.slots.get_mut(slot as usize) {
            (entry.prev, entry.next) = (prev, next);
        }
        match self.slots.get_mut(prev as usize) {
            Some(prev) => prev.next = slot,
            None => list.head = slot,
        }
        match self.slots.get_mut(next as usize) {
            Some(next) => next.prev = slot,
            None => list.tail = slot,
        }
        list.len += 1;
    }

    fn key_at(&self, slot: u32) -> Option<Key> {
        self.slots.get(slot as usize).map(|entry| Key { number: entry.number, slot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_outlives_its_value_without_meeting_the_next_tenant() {
        let mut arena = Arena::new();
        let first = arena.insert('a').unwrap();
        assert_eq!(arena.remove(first), Some('a'));
        assert_eq!(arena.remove(first), None);
        let second = arena.insert('b').unwrap();
        assert_eq!((second.slot, second.number), (first.slot, 2));
        assert_eq!((arena.get(first), arena.get(second)), (None, Some(&'b')));
    }

    #[test]
    fn a_list_keeps_its_order_under_links_at_both_ends_and_in_the_middle() {
        let mut arena = Arena::new();
        let mut list = List::new();
        let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(|name| arena.insert(name).unwrap());
        arena.push_back(&mut list, b);
        arena.push_front(&mut list, a);
        arena.push_back(&mut list, d);
        arena.insert_after(&mut list, b, c);
        arena.unlink(&mut list, b);
        assert_eq!((arena.front(&list), arena.before(d), arena.before(c)), (Some(a), Some(c), Some(a)));
        arena.unlink(&mut list, d);
        arena.unlink(&mut list, a);
        assert_eq!((arena.front(&list), arena.back(&list), list.len()), (Some(c), Some(c), 1));
        arena.unlink(&mut list, c);
        assert_eq!((arena.front(&list), arena.back(&list), list.len()), (None, None, 0));
    }
}
