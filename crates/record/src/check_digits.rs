//! Check digits of ships and vehicles.

/// True if seven digits end in the check digit of the first six (IMO resolution A.1117(30)).
pub fn imo_holds(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
    let Some([first_six @ .., last]) = digits.as_deref().filter(|digits| digits.len() == 7) else {
        return false;
    };
    let sum: u32 = first_six.iter().zip((2..=7).rev()).map(|(digit, weight)| digit * weight).sum();
    sum % 10 == *last
}

/// The ninth character that a vehicle identification number of 17 should have where its maker uses a check digit
/// (49 CFR 565.15); `None` if it is not one.
pub fn vin_check_character(vin: &str) -> Option<char> {
    let values: Vec<u32> = vin.chars().map(vin_value).collect::<Option<_>>()?;
    if values.len() != VIN_WEIGHTS.len() {
        return None;
    }
    let sum: u32 = values.iter().zip(VIN_WEIGHTS).map(|(value, weight)| value * weight).sum();
    match sum % 11 {
        10 => Some('X'),
        digit => char::from_digit(digit, 10),
    }
}

/// The ninth place is the check digit itself and does not count.
const VIN_WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// What a character counts; I, O and Q are not used.
fn vin_value(c: char) -> Option<u32> {
    match c {
        '0'..='9' => c.to_digit(10),
        'A'..='H' => Some(u32::from(c) - u32::from('A') + 1),
        'J'..='N' => Some(u32::from(c) - u32::from('J') + 1),
        'P' => Some(7),
        'R' => Some(9),
        'S'..='Z' => Some(u32::from(c) - u32::from('S') + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imo_numbers_end_in_their_check_digit() {
        for (number, holds) in [
            ("9074729", true),
            ("9074728", false),
            ("9704729", false),
            ("907472", false),
            ("90747290", false),
            ("907472x", false),
            ("", false),
        ] {
            assert_eq!(imo_holds(number), holds, "{number}");
        }
    }

    #[test]
    fn vin_check_character_follows_the_regulation() {
        // The first is the example of the regulation, the second its simplest case.
        assert_eq!(vin_check_character("1M8GDM9AXKP042788"), Some('X'));
        assert_eq!(vin_check_character("11111111111111111"), Some('1'));
        for bad in ["1M8GDM9AXKP04278", "1M8GDM9AXKP0427881", "IM8GDM9AXKP042788", "1m8GDM9AXKP042788", ""] {
            assert_eq!(vin_check_character(bad), None, "{bad}");
        }
    }
}
