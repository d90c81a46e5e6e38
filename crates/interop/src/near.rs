//! Suggests the word that somebody probably meant.

/// The known word nearest to `word`, if it is near enough to be a slip: one edit, and one more for each three letters, but
/// never every letter.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().count();
    let allowed = (1 + letters / 3).min(letters.saturating_sub(1));
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters, by the two-row method.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (n, l) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(n + 1);
        for (pair, r) in row.windows(2).zip(&right) {
            let (diagonal, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let beside = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(l != *r)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (left, right, edits) in [("", "", 0), ("a", "", 1), ("sitting", "kitten", 3), ("plce", "place", 1)] {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }

    #[test]
    fn nearest_offers_slips_and_nothing_far() {
        assert_eq!(nearest("plce", ["name", "place"]), Some("place"));
        assert_eq!(nearest("vessel", ["name", "place"]), None);
        assert_eq!(nearest("3", ["a", "b"]), None);
    }
}
