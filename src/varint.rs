//! Numbers in as few bytes as they need: seven bits a byte, the lowest first (LEB128).
//! Uses: nothing of ours.

/// Appends `n`.
pub(crate) fn put(out: &mut impl Extend<u8>, mut n: u64) {
    while n >= 0x80 {
        out.extend([n as u8 | 0x80]);
        n >>= 7
    }
    out.extend([n as u8])
}

/// Takes a number off the front of `from`; none if it does not end, or is too large.
pub(crate) fn take(from: &mut &[u8]) -> Option<u64> {
    let mut n = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7F);
        n |= bits << shift;
        if (n >> shift) != bits {
            return None;
        }
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        for n in (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]).chain([u64::MAX]) {
            let mut bytes = Vec::new();
            put(&mut bytes, n);
            assert_eq!(bytes.len(), (64 - n.leading_zeros()).div_ceil(7).max(1) as usize);
            assert!((0..bytes.len()).all(|cut| take(&mut &bytes[..cut]).is_none()));
            bytes.push(9);
            let mut from = &bytes[..];
            assert_eq!((take(&mut from), from), (Some(n), &[9][..]));
        }
        assert_eq!(take(&mut &[0xFF; 20][..]), None);
        assert_eq!(take(&mut &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2][..]), None);
    }
}
