//! Random numbers that a seed repeats (xorshift64*).

pub(in crate::engine::tests) struct Dice(u64);

impl Dice {
    pub(in crate::engine::tests) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Less than `sides`.
    pub(in crate::engine::tests) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        (mixed >> 33) as usize % sides
    }

    pub(in crate::engine::tests) fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    pub(in crate::engine::tests) fn between(&mut self, least: i64, greatest: i64) -> i64 {
        least + self.roll((greatest - least + 1) as usize) as i64
    }

    pub(in crate::engine::tests) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

#[test]
fn a_seed_rolls_the_same_for_ever() {
    let mut dice = Dice::new(1);
    let rolled: Vec<usize> = (0..12).map(|_| dice.roll(100)).collect();
    assert_eq!(rolled, [37, 88, 73, 55, 46, 99, 68, 39, 93, 54, 94, 76]);
}
