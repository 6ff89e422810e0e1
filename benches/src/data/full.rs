//! The specification's `full_bson.json` as a type: 91 pairs of all types.

use bson::oid::ObjectId;
use bson::{Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, Regex, Timestamp};

use super::shape::shape;

shape! {
    /// The document of the full BSON tasks.
    Full:
    KpnXZaDQ: i32, BOQAeydE: Binary, kVDldkCH: i64, olUSRZtj: Document, ayrwiTMT: Bson, nyYyaFrV: i32, zlVZQePF: bool,
    iRVlyXVm: i64, lyWwkZGg: JavaScriptCodeWithScope, DfzEYsYW: bool, VFKRjaPW: Bson, pDeYcUIu: DateTime,
    kqKTGXUm: Binary, iNbJUZuj: JavaScriptCodeWithScope, buEAkIge: DateTime, NAKOhrML: i32, CAWdqfmI: i64,
    hAcOFtfN: Binary, qPDeTZWq: i64, ARdpUnvr: JavaScriptCodeWithScope, geaenijV: Timestamp, EuKkhmHw: Bson,
    kcVXzXHn: JavaScriptCodeWithScope, dSMWIFLD: i64, UuDsAOGk: JavaScriptCodeWithScope, KUVCyPFv: String,
    kFaSNVoS: Bson, SQIAGqNE: i32, MsFvjFIM: JavaScriptCodeWithScope, ZZbaMgQp: Regex, GqcHZeLf: i64,
    xCNVQDhK: Timestamp, jMeFYftg: i64, yltfrVvf: JavaScriptCodeWithScope, NzsNfcyY: Vec<Bson>, hhVNsfZZ: Document,
    OagyDZLm: bool, VIJGlGfX: Vec<Bson>, RBrgnptQ: bool, ebfJeJwS: String, LQygaTou: JavaScriptCodeWithScope,
    uNvbuffj: DateTime, SHvLWKjg: Binary, wKCwNLSh: Bson, giVmVwzU: JavaScriptCodeWithScope, BGAqpNkE: Bson,
    ZmCYgzpS: Timestamp, PGiZAWYN: DateTime, wShiBppY: bool, tuTaYuPG: String, mUXXRWFX: bool,
    xoLWHvAD: JavaScriptCodeWithScope, WqNFzMgH: bool, JQbxXYUE: String, AZbAtRCC: JavaScriptCodeWithScope,
    JlhVrQmD: String, vSvdWAnJ: Binary, JEVgGziE: i64, LCHLPrcd: Bson, fWBoraHq: Timestamp, bxrxTsho: Vec<Bson>,
    uhmyCSEv: Bson, rclBQefx: i64, iEoENLRz: Document, yPKwWWxb: bool, fvLXcTQB: bool, DQuSYbZR: Binary,
    uSbYKmdX: Bson, nLsRKLJQ: String, kQhDjXIO: bool, duzmrLJI: JavaScriptCodeWithScope, zqpnKCOL: Bson,
    SQOAGVaT: DateTime, WboSdRaB: bool, bRaWfHwf: i32, QdkSZoFx: Bson, EAYSerbF: i64, IsYFQBkP: Bson, BZogAEUM: Regex,
    duTaTKGF: Timestamp, IJOIvDcw: DateTime, TtYjxGJH: i64, caPGDEGj: Document, dNVHpBIF: Vec<Bson>,
    hUhWCZbY: Vec<Bson>, hjSPiBiC: bool, UwZlNrHv: Vec<Bson>, juiYRtal: i64, RFhPJzgh: i32, _id: ObjectId,
    LNpbbRfA: Timestamp,
}
