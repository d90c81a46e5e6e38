//! Cuts a cell into pieces and takes each apart by the first pattern that fits it.

use super::joins::Item;
use crate::mapping::plan::PiecesPlan;

/// The items that a cell gives, each with its source. What no pattern took, and what is kept, is joined again in the
/// order of the cell and becomes the one item of the rest.
pub(super) fn cut(plan: &PiecesPlan, text: &str, empty: &[String]) -> Vec<(usize, Item)> {
    let mut items = Vec::new();
    let mut rest = Vec::new();
    let by = plan.by.as_deref();
    let pieces: Vec<&str> = by.map_or_else(|| vec![text], |by| text.split(by).collect());
    for piece in pieces {
        let piece = piece.trim().trim_matches(|sign| plan.trim.contains(&sign)).trim();
        if piece.is_empty() || empty.iter().any(|empty| empty == piece) {
            continue;
        }
        match take(plan, piece) {
            Some((source, item, keep)) => {
                rest.extend(keep.then_some(piece));
                items.push((source, item));
            }
            None => rest.push(piece),
        }
    }
    if let (Some(source), false) = (plan.rest, rest.is_empty()) {
        let separator = by.map(|by| format!("{by} ")).unwrap_or_default();
        items.push((source, Item::from([rest.join(&separator)])));
    }
    items
}

/// The source and the item of the first pattern that fits a piece, and whether the piece stays in the rest.
fn take(plan: &PiecesPlan, piece: &str) -> Option<(usize, Item, bool)> {
    plan.takes.iter().find_map(|take| {
        take.patterns.iter().zip(&take.places).find_map(|(pattern, places)| {
            let taken = pattern.take(piece)?;
            let mut slots = vec![String::new(); take.slots];
            for (place, text) in places.iter().zip(taken) {
                if let (Some(slot), Some(text)) = (slots.get_mut(*place), text) {
                    text.trim().clone_into(slot);
                }
            }
            Some((take.source, slots.into(), take.keep))
        })
    })
}
