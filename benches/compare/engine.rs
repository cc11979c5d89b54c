//! The engines by name: ours and its peers, by the kind of count they use. What each can do stands with the structure:
//! `map/engine.rs`, `vector/engine.rs`.

/// Names an engine: the index of its cell in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineId {
    OursArc,
    Im,
    ImblArc,
    RpdsArc,
    OursRc,
    ImRc,
    ImblRc,
    RpdsRc,
    Std,
}

impl EngineId {
    pub const ALL: [EngineId; 9] = {
        use EngineId::*;
        [OursArc, Im, ImblArc, RpdsArc, OursRc, ImRc, ImblRc, RpdsRc, Std]
    };

    pub fn name(self) -> &'static str {
        match self {
            EngineId::OursArc => "ours-arc",
            EngineId::Im => "im",
            EngineId::ImblArc => "imbl-arc",
            EngineId::RpdsArc => "rpds-arc",
            EngineId::OursRc => "ours-rc",
            EngineId::ImRc => "im-rc",
            EngineId::ImblRc => "imbl-rc",
            EngineId::RpdsRc => "rpds-rc",
            EngineId::Std => "std",
        }
    }
}

/// How an engine counts its nodes. Only engines of one kind are compared; std is of neither and not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Arc,
    Rc,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Arc, Kind::Rc];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Arc => "arc",
            Kind::Rc => "rc",
        }
    }

    pub fn ours(self) -> EngineId {
        match self {
            Kind::Arc => EngineId::OursArc,
            Kind::Rc => EngineId::OursRc,
        }
    }

    pub fn imbl(self) -> EngineId {
        match self {
            Kind::Arc => EngineId::ImblArc,
            Kind::Rc => EngineId::ImblRc,
        }
    }

    /// `im`, `imbl` and `rpds`, in the order of the table's columns.
    pub fn peers(self) -> [EngineId; 3] {
        match self {
            Kind::Arc => [EngineId::Im, EngineId::ImblArc, EngineId::RpdsArc],
            Kind::Rc => [EngineId::ImRc, EngineId::ImblRc, EngineId::RpdsRc],
        }
    }
}
