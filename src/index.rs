//! Lists that are indexed by ids of their own, so that no id finds its way into another's list.
//!
//! Here alone an id becomes a position, or a position an id. Why this is no crate's,
//! `docs/architecture.md` says under "Decisions".

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// Declares types of ids: positions, as words of some width.
macro_rules! ids {
    ($($(#[$attribute:meta])* pub struct $name:ident($word:ty);)+) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $word);

        impl From<usize> for $name {
            /// The id of this position, or the last id if there are not so many: no list that
            /// validates is so long.
            #[inline]
            fn from(position: usize) -> Self {
                Self(<$word>::try_from(position).unwrap_or(<$word>::MAX))
            }
        }

        impl From<$name> for usize {
            #[inline]
            fn from(id: $name) -> usize {
                id.0 as usize
            }
        }
    )+};
}
pub(crate) use ids;

/// What indexes a list: an id.
pub trait Id: Copy + From<usize> + Into<usize> {}

impl<I: Copy + From<usize> + Into<usize>> Id for I {}

/// A list whose positions are ids of type `I`. It is written as a list of `T` is.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IndexVec<I, T> {
    items: Vec<T>,
    #[serde(skip)]
    ids: PhantomData<I>,
}

impl<I: Id, T> IndexVec<I, T> {
    /// How many items there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// There is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The id that the next item gets.
    pub fn next_id(&self) -> I {
        I::from(self.len())
    }

    /// The id of every item, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.len()).map(I::from)
    }

    /// The item with this id.
    #[inline]
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.into())
    }

    /// The item with this id, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.into())
    }

    /// The items, in order.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The items, in order, to be changed.
    #[inline]
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// The items with their ids, in order.
    #[inline]
    pub fn enumerated(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.iter().enumerate().map(|(position, item)| (I::from(position), item))
    }

    /// The items with their ids, in order, to be changed.
    pub fn enumerated_mut(&mut self) -> impl Iterator<Item = (I, &mut T)> {
        self.iter_mut().enumerate().map(|(position, item)| (I::from(position), item))
    }

    /// The items, in order.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// The items, in order, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// A list with the same ids: what this makes of each item.
    pub fn map<'a, U>(&'a self, make: impl FnMut(&'a T) -> U) -> IndexVec<I, U> {
        self.iter().map(make).collect()
    }

    /// The items that are declared before this one: all, if there is none with this id.
    pub fn before(&self, id: I) -> &[T] {
        &self.items[..self.len().min(id.into())]
    }

    /// The first item of which this holds.
    pub fn position(&self, is: impl FnMut(&T) -> bool) -> Option<I> {
        self.iter().position(is).map(I::from)
    }

    /// The last item of which this holds.
    pub fn rposition(&self, is: impl FnMut(&T) -> bool) -> Option<I> {
        self.iter().rposition(is).map(I::from)
    }

    /// Adds an item behind all others.
    #[inline]
    pub fn push(&mut self, item: T) -> I {
        let id = self.next_id();
        self.items.push(item);
        id
    }

    /// Takes the last item away.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    /// Takes an item away; those behind it move up. There must be one with this id.
    pub fn remove(&mut self, id: I) -> T {
        self.items.remove(id.into())
    }

    /// Takes all items away.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// Takes away all items but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.items.truncate(len);
    }
}

impl<I: Id, T> Index<I> for IndexVec<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.into()]
    }
}

impl<I: Id, T> IndexMut<I> for IndexVec<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.into()]
    }
}

impl<I, T> Default for IndexVec<I, T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<I, T> From<Vec<T>> for IndexVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, ids: PhantomData }
    }
}

impl<I, T> FromIterator<T> for IndexVec<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<I, T> Extend<T> for IndexVec<I, T> {
    fn extend<A: IntoIterator<Item = T>>(&mut self, items: A) {
        self.items.extend(items);
    }
}

impl<I, T: fmt::Debug> fmt::Debug for IndexVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}

impl<I, T> IntoIterator for IndexVec<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, I, T> IntoIterator for &'a IndexVec<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'a, I, T> IntoIterator for &'a mut IndexVec<I, T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    ids! {
        #[derive(Serialize, Deserialize)]
        pub struct RowId(u16);
    }

    fn rows(items: &[&'static str]) -> IndexVec<RowId, &'static str> {
        items.iter().copied().collect()
    }

    #[test]
    fn items_are_found_by_their_ids() {
        let mut list = rows(&["a", "b"]);
        assert_eq!((list.next_id(), list.push("c")), (RowId(2), RowId(2)));
        assert_eq!(list.enumerated().last(), Some((RowId(2), &"c")));
        assert_eq!((list.position(|item| *item == "b"), list[RowId(1)]), (Some(RowId(1)), "b"));
        assert_eq!((list.get(RowId(2)), list.get(RowId(3))), (Some(&"c"), None));
        assert_eq!(list.get_mut(RowId(0)), Some(&mut "a"));
        assert_eq!(list.remove(RowId(0)), "a");
        assert_eq!(list.ids().collect::<Vec<_>>(), [RowId(0), RowId(1)]);
        list.truncate(1);
        assert_eq!(list, rows(&["b"]));
    }

    #[test]
    fn what_is_declared_before_an_id() {
        let list = rows(&["a", "b"]);
        assert_eq!(list.before(RowId(1)), ["a"]);
        assert_eq!(list.before(RowId(9)), ["a", "b"]);
    }

    #[test]
    fn positions_past_the_last_id_have_the_last_id() {
        assert_eq!(RowId::from(0x1_0000), RowId(0xffff));
        assert_eq!(usize::from(RowId(0xffff)), 0xffff);
    }

    #[test]
    fn it_is_written_as_a_list() {
        let list = rows(&["a", "b"]);
        let bytes = postcard::to_stdvec(&list).expect("plain data always encodes");
        assert_eq!(bytes, postcard::to_stdvec(&["a", "b"].to_vec()).expect("so does this"));
        let read: IndexVec<RowId, String> = postcard::from_bytes(&bytes).expect("it was written");
        assert_eq!(read.iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
