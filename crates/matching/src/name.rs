//! Names across scripts, accents, case and order of their parts.
//!
//! A name is folded to words of ASCII letters and digits: compatibility forms resolved, accents and vowel points dropped,
//! other scripts transliterated letter by letter. Two names match when their words do.

use any_ascii::any_ascii_char;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::Reason;

/// A name ready to be compared: its folded text and its words, ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameKey {
    normalised: String,
    words: Vec<String>,
}

impl NameKey {
    /// The folded text.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }

    /// The words, ascending, each once.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// True when the text had no letter and no digit. Such a name matches nothing.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn has(&self, word: &String) -> bool {
        self.words.binary_search(word).is_ok()
    }
}

/// How a name that was asked for agrees with one that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameMatch {
    /// The one word that was asked for is among the words held.
    OneWordOfMany,
    /// All words asked for, two or more, are among the words held.
    AllWordsAsked,
    /// The same words in another order.
    SameWords,
    /// The same folded text.
    Exact,
}

impl NameMatch {
    /// 0 to 1000.
    pub const fn score(self) -> u32 {
        match self {
            Self::Exact => 1000,
            Self::SameWords => 950,
            Self::AllWordsAsked => 800,
            Self::OneWordOfMany => 600,
        }
    }

    /// The reason to tell.
    pub const fn reason(self) -> Reason {
        let how = match self {
            Self::Exact => "exact",
            Self::SameWords => "same words",
            Self::AllWordsAsked | Self::OneWordOfMany => "all words asked",
        };
        Reason { field: "name", how }
    }
}

/// Compares a name that was asked for with one that is held. The words asked for must all be held; the name held may
/// have more.
pub fn names_match(asked: &NameKey, held: &NameKey) -> Option<NameMatch> {
    if asked.is_empty() || !asked.words.iter().all(|word| held.has(word)) {
        return None;
    }
    Some(if asked.normalised == held.normalised {
        NameMatch::Exact
    } else if asked.words.len() == held.words.len() {
        NameMatch::SameWords
    } else if asked.words.len() > 1 {
        NameMatch::AllWordsAsked
    } else {
        NameMatch::OneWordOfMany
    })
}

/// The key of a name.
pub fn name_key(text: &str) -> NameKey {
    let normalised = normalise(text);
    let mut words: Vec<String> = normalised.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    NameKey { normalised, words }
}

/// Folds a name to lower-case words parted by single spaces. Empty only if the text has no letter and no digit.
pub fn normalise(text: &str) -> String {
    let mut folder = Folder::default();
    text.chars()
        .filter(|c| !is_apostrophe(*c))
        .nfkd()
        .filter(|c| !is_dropped_mark(*c))
        .nfc()
        .for_each(|c| folder.take(c));
    if folder.folded.is_empty() { untransliterated(text) } else { folder.folded }
}

/// Builds the folded text; a word break becomes a space when the next letter comes.
#[derive(Default)]
struct Folder {
    folded: String,
    broken: bool,
}

impl Folder {
    fn take(&mut self, c: char) {
        let ascii = any_ascii_char(c);
        if is_han(c) {
            self.syllable(c, ascii);
        } else if c.is_alphanumeric() || is_combining_mark(c) {
            self.letters(ascii);
        } else if !ascii.is_empty() {
            self.broken = true;
        }
        // What is left has no shape at all (zero width, direction marks): it parts nothing.
    }

    /// One Han character is one syllable: 毛泽东 is "mao ze dong", not "maozedong". A rare one without a reading stands for
    /// itself; leaving it out would make another, commoner name of what is left.
    fn syllable(&mut self, c: char, reading: &str) {
        self.broken = true;
        if reading.is_empty() {
            self.push(c);
        } else {
            self.letters(reading);
        }
        self.broken = true;
    }

    fn letters(&mut self, ascii: &str) {
        ascii.chars().filter(char::is_ascii_alphanumeric).for_each(|letter| self.push(letter.to_ascii_lowercase()));
    }

    fn push(&mut self, letter: char) {
        if std::mem::take(&mut self.broken) && !self.folded.is_empty() {
            self.folded.push(' ');
        }
        self.folded.push(letter);
    }
}

/// Text that has no transliteration stands for itself, so that no name is without a key.
fn untransliterated(text: &str) -> String {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// O'Brien, Nu‘man: the sign belongs to the word and is often left out.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '‘' | '’' | '‛' | '′' | '＇')
}

/// Accents of Latin, Greek and Cyrillic, and the vowel points of Hebrew and Arabic, which most writers leave out. The vowel
/// signs of Indic and South-East Asian scripts stay: they are letters of their own.
fn is_dropped_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

/// The CJK unified ideographs with their extensions (compatibility forms are resolved before), and the zero.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_words_in_every_script() {
        for (given, folded) in [
            ("José  María-López", "jose maria lopez"),
            ("Jose\u{301}", "jose"),
            ("NGUYỄN Văn Đặng", "nguyen van dang"),
            ("Straße", "strasse"),
            ("O’Brien, Nu'man", "obrien numan"),
            ("毛泽东", "mao ze dong"),
            ("王\u{20025}", "wang \u{20025}"),
            ("김정은", "gimjeongeun"),
            ("ராஜா", "raja"),
            ("सीता", "sita"),
            ("محمد", "mhmd"),
            ("مُحَمَّد", "mhmd"),
            ("أَحمد", "hmd"),
            ("احمد", "hmd"),
            ("Ким Ёлкин", "kim elkin"),
            ("ＡＢＣ", "abc"),
            ("A\u{200f}h\u{200b}mad", "ahmad"),
            ("\u{202e}Ali", "ali"),
            ("Ali · 😀 / Reza", "ali reza"),
            ("!!!", ""),
            ("", ""),
        ] {
            assert_eq!(normalise(given), folded, "{given:?}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for given in ["José María", "毛泽东", "محمد", "ராஜா", "สมชาย", "Ωμέγα"] {
            let once = normalise(given);
            assert_eq!(normalise(&once), once, "{given:?}");
        }
    }

    #[test]
    fn text_without_transliteration_stands_for_itself() {
        // Cuneiform; a lone alef, which is silent beside other letters.
        for given in ["\u{1203d}\u{1209e} \u{120ff}", "ا"] {
            assert_eq!(normalise(given), given);
            assert!(!name_key(given).is_empty());
        }
    }

    #[track_caller]
    fn check(asked: &str, held: &str, expected: Option<NameMatch>) {
        assert_eq!(names_match(&name_key(asked), &name_key(held)), expected, "{asked:?} against {held:?}");
    }

    #[test]
    fn case_accents_and_punctuation_do_not_matter() {
        check("SITI Nurhaliza", "Siti Nurhaliza", Some(NameMatch::Exact));
        check("jose maria", "José-María", Some(NameMatch::Exact));
        check("ahmad", "Ahmad.", Some(NameMatch::Exact));
        check("mhmd", "مُحَمَّد", Some(NameMatch::Exact));
    }

    #[test]
    fn order_does_not_matter_but_is_told() {
        check("Nurhaliza Siti", "Siti Nurhaliza", Some(NameMatch::SameWords));
        check("Zedong Mao", "Mao Zedong", Some(NameMatch::SameWords));
        check("东毛泽", "毛泽东", Some(NameMatch::SameWords));
    }

    #[test]
    fn all_words_asked_among_more_words_held_match_lower() {
        check("Siti Nurhaliza", "Siti binti Nurhaliza", Some(NameMatch::AllWordsAsked));
        check("Siti", "Siti Nurhaliza", Some(NameMatch::OneWordOfMany));
        check("Suharto", "Suharto", Some(NameMatch::Exact));
    }

    #[test]
    fn a_word_that_is_not_held_is_no_match() {
        check("Siti Aminah", "Siti Nurhaliza", None);
        check("Siti Nurhaliza Aminah", "Siti Nurhaliza", None);
        check("Sit", "Siti", None);
        check("", "Siti", None);
        check("!!!", "!!!", None);
    }

    #[test]
    fn a_closer_match_has_the_higher_score() {
        let order = [NameMatch::OneWordOfMany, NameMatch::AllWordsAsked, NameMatch::SameWords, NameMatch::Exact];
        assert!(order.windows(2).all(|pair| pair[0] < pair[1] && pair[0].score() < pair[1].score()));
        assert_eq!(order.map(NameMatch::score), [600, 800, 950, 1000]);
    }
}
