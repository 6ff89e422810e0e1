//! The specification's `flat_bson.json` as a type: 145 pairs of the six common types.

use bson::oid::ObjectId;

use super::shape::shape;

shape! {
    /// The document of the flat BSON tasks.
    Flat:
    pfZSRHnn: f64, XeRkAyCq: i32, oRWMNJTE: String, hnVgYIQi: String, cxOHMeDJ: String, MeUYSkPS: String,
    IsorvnMR: bool, vvUeXASH: bool, zEgGhhZf: bool, SUWXijHT: i32, HicJbMpj: bool, ijwXMKqI: i32, RemSsnnR: bool,
    McpOBmaR: String, ddVenEkK: i32, CqCssWxW: String, taoNnQYY: f64, MXMxLVBk: i32, yeTUgNrU: bool, vkEDWgmN: String,
    TgSwBbgp: f64, FDYGeSiR: i64, xrzGnsEK: String, VVvwKVRG: i32, TmUnYUrv: i64, OCsIhHxq: String, pKjOghFa: bool,
    VCSKFCoE: i64, yKfZnGKG: f64, UKwbAKGw: i32, iFFGfTXc: String, RwAVVKHM: String, AtWNZJXa: i64, XxvXmHiQ: f64,
    wmDLUkXt: i64, zSYvADVf: i64, VcCSqSmp: bool, jmglLvAS: String, ZmtEJFSO: String, MqfkBZJF: i32, doshbrpF: i64,
    jWaFvVAz: f64, LVNIFCYm: bool, VplFgewF: i32, eRTIdIJR: String, zswQbWEI: i64, obcwwqWZ: f64, vlSZaxCV: String,
    QobifTeZ: String, XXKbyIXG: i64, dNSuxlSU: String, HrUPbFHD: f64, XEBqaXkB: f64, xWpeGNjl: i64, aicoMxZq: bool,
    LngvlnTV: f64, WYJdGJLu: String, TRpgnInA: bool, JhImQOkw: bool, KMKBtlov: i64, gySFZeAE: f64, RPsQhgRD: String,
    rmzUAgmk: String, Ibrdrtgg: String, WmMOvgFc: bool, KnhgtAOJ: String, qrJASGzU: bool, egxZaSsw: bool,
    cVjWCrlu: i64, OfTmCvDx: String, MNuWZMLP: bool, JrJzKiIx: String, JzgaUWVG: f64, WHSQVLKG: bool,
    SYtZkQbC: String, nBKWWUWk: i32, Rbxpznea: i32, tIJEYSYM: String, dHsYhRbV: String, iwfbMdcv: f64, dCLfYqqM: i32,
    ahFCBmqT: i64, TkXMwZlU: i64, LUPqMOHS: String, hwHOTmmW: f64, kfvcFmKw: bool, bkuaZWRT: i64, nKhiSITP: i32,
    CYhSCkWB: String, vSLTtfDF: String, CEtYKsdd: String, dVkWIafN: f64, HQiykral: f64, YDHWnEXV: String,
    pacTBmxE: f64, ddPdLgGg: i32, xWUlYggc: String, dpbwfSRb: String, AgYYbYPr: i32, wjfyueDC: bool, fEheUtop: String,
    pOMEwSod: i32, BwTXiovJ: i32, TDUzNJiH: String, KyxOoCqS: i32, zMCFzcWY: String, FpduyhQP: bool, JXMyYkfb: f64,
    yXSBbPeT: String, wjAWaOog: String, cepcgozk: String, DQBQcQFj: i64, sYtnozSc: i64, BBqZInWV: String,
    dtywOLeD: String, WoFGfdvb: String, zDzSGNnW: bool, ReOZakjB: f64, uMDWqLMf: String, GiAHzFII: i32, UtbwOKLt: i64,
    DJsnHZIC: i32, SqNvlUZF: i64, PvfnpsMV: i32, UpdMADoN: bool, jbUymqiB: String, qHzOMXeT: i32, XGxlHrXf: bool,
    sGWJTAcT: bool, VtzeOlCT: String, mlfZVfVT: f64, HVHyetUM: i64, gErhgZTh: String, omnwvBbA: i32, AgSNVyBb: i64,
    CDIGOuIZ: f64, CFujXoob: i32, reiKnuza: i64, PjKiuWnQ: f64, pQyCJaEd: f64, xZOksssj: i64, AMQrGQmu: i64,
    HQeCoswW: f64, pPtPsgRl: String, _id: ObjectId,
}
