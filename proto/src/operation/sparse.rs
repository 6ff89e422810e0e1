//! Options that are seldom given.

use alloc::boxed::Box;
use core::fmt;
use core::ops::{Deref, DerefMut};

/// A set of options that takes a pointer's room until one of them is set. Operations are moved a few times on their way to the
/// wire, most of them with none of their many options.
///
/// Reads and writes like the `T` in it; writing makes room for it.
///
/// ```
/// use stator_proto::operation::{Find, Namespace};
/// use stator_wire::bson::DocBuf;
///
/// let mut find = Find::new(Namespace::new("app", "people"), DocBuf::default());
/// assert_eq!(find.options.skip, None);
/// find.options.skip = Some(20);
/// assert_eq!(find.options.skip, Some(20));
/// ```
pub struct Sparse<T>(Option<Box<T>>);

/// A set of options of which none is given.
pub trait Empty: Default + 'static {
    /// The same as [`Default::default`], for those who only read it.
    fn empty() -> &'static Self;
}

impl<T> Sparse<T> {
    /// Nothing is given.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The options; `None` if none was ever set.
    pub fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// Takes the options out; none is given any more.
    pub fn take(&mut self) -> T
    where
        T: Default,
    {
        self.0.take().map_or_else(T::default, |options| *options)
    }
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for Sparse<T> {
    fn from(options: T) -> Self {
        Self(Some(Box::new(options)))
    }
}

impl<T: Clone> Clone for Sparse<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Empty> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(options) => options,
            None => T::empty(),
        }
    }
}

impl<T: Empty> DerefMut for Sparse<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Empty + PartialEq> PartialEq for Sparse<T> {
    /// What was set to its default is as good as never set.
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Empty + fmt::Debug> fmt::Debug for Sparse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Empty, Sparse};
    use crate::operation::{FindOptions, Settings, WriteFailure};

    #[test]
    fn what_was_never_set_reads_like_the_default() {
        fn check<T: Empty + PartialEq + core::fmt::Debug>() {
            assert_eq!(T::empty(), &T::default());
            assert_eq!(Sparse::<T>::new(), Sparse::from(T::default()));
        }
        check::<Settings>();
        check::<FindOptions>();
        check::<WriteFailure>();
    }

    #[test]
    fn writing_makes_room_and_taking_leaves_none() {
        let mut options = Sparse::<FindOptions>::new();
        assert_eq!((options.skip, options.get()), (None, None));
        options.skip = Some(3);
        assert_eq!(options.get().and_then(|options| options.skip), Some(3));
        assert_eq!((options.take().skip, options.get()), (Some(3), None));
    }
}
