//! Numbers of different types are equal if their values are.

use core::cmp::Ordering;

use bson::Bson;

/// Whether two numbers are equal; `None` unless both are numbers (Decimal128 is none here).
pub(super) fn equal(one: &Bson, other: &Bson) -> Option<bool> {
    let (one, other) = (Number::of(one)?, Number::of(other)?);
    Some(compare(one, other) == Some(Ordering::Equal) || one.is_nan() && other.is_nan())
}

/// Whether `one <= other`; `None` unless both are numbers.
pub(super) fn at_most(one: &Bson, other: &Bson) -> Option<bool> {
    let ordering = compare(Number::of(one)?, Number::of(other)?);
    Some(matches!(ordering, Some(Ordering::Less | Ordering::Equal)))
}

#[derive(Clone, Copy)]
enum Number {
    Integer(i64),
    Double(f64),
}

impl Number {
    fn of(value: &Bson) -> Option<Self> {
        match *value {
            Bson::Int32(number) => Some(Self::Integer(number.into())),
            Bson::Int64(number) => Some(Self::Integer(number)),
            Bson::Double(number) => Some(Self::Double(number)),
            _ => None,
        }
    }

    fn is_nan(self) -> bool {
        matches!(self, Self::Double(number) if number.is_nan())
    }
}

fn compare(one: Number, other: Number) -> Option<Ordering> {
    match (one, other) {
        (Number::Integer(one), Number::Integer(other)) => Some(one.cmp(&other)),
        (Number::Double(one), Number::Double(other)) => one.partial_cmp(&other),
        (Number::Integer(one), Number::Double(other)) => mixed(one, other),
        (Number::Double(one), Number::Integer(other)) => mixed(other, one).map(Ordering::reverse),
    }
}

/// Exactly: beyond 2^53, turning the integer into a double would lose what tells them apart.
fn mixed(integer: i64, double: f64) -> Option<Ordering> {
    /// 2^63, the first double that no `i64` reaches.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= BEYOND {
        return Some(Ordering::Less);
    }
    if double < -BEYOND {
        return Some(Ordering::Greater);
    }
    let whole = double.trunc() as i64;
    Some(integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}
