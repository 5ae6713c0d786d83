//! Several descending sequences read as one.

use std::collections::BinaryHeap;

/// Yields the items of all sequences, the greatest first. Each sequence must be descending.
pub(crate) struct Merge<I: Iterator> {
    heads: BinaryHeap<(I::Item, usize)>,
    sources: Vec<I>,
}

impl<I> Merge<I>
where
    I: Iterator,
    I::Item: Ord,
{
    pub(crate) fn new(mut sources: Vec<I>) -> Self {
        let heads = sources
            .iter_mut()
            .enumerate()
            .filter_map(|(at, source)| Some((source.next()?, at)))
            .collect();
        Self { heads, sources }
    }
}

impl<I> Iterator for Merge<I>
where
    I: Iterator,
    I::Item: Ord,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let (item, at) = self.heads.pop()?;
        if let Some(next) = self.sources[at].next() {
            self.heads.push((next, at));
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_descending() {
        let sources = vec![
            vec![9, 4, 1].into_iter(),
            vec![].into_iter(),
            vec![7, 5].into_iter(),
        ];
        assert_eq!(Merge::new(sources).collect::<Vec<_>>(), [9, 7, 5, 4, 1]);
    }
}
