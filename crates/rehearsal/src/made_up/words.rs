//! The word lists. Given names are common ones; family names are invented, so that no combination means anybody.

/// A name in its own script and in Latin letters.
pub type Pair = (&'static str, &'static str);

/// One way of naming people.
pub struct Naming {
    /// ISO 15924 code of the script.
    pub script: &'static str,
    /// Given names.
    pub given: &'static [Pair],
    /// Invented family names.
    pub family: &'static [Pair],
    /// Family name first, without a space.
    pub family_first: bool,
    /// Nationalities that go with it.
    pub nationalities: &'static [&'static str],
}

/// Every way of naming.
pub const NAMINGS: [Naming; 5] = [
    Naming {
        script: "Latn",
        given: &[
            ("Budi", "Budi"),
            ("Siti", "Siti"),
            ("Marisol", "Marisol"),
            ("Tomás", "Tomás"),
            ("Ngọc", "Ngoc"),
            ("Héloïse", "Heloise"),
            ("Wiremu", "Wiremu"),
            ("Aroha", "Aroha"),
            ("Callum", "Callum"),
            ("Dewi", "Dewi"),
        ],
        family: &[
            ("Sentarajo", "Sentarajo"),
            ("Velmorano", "Velmorano"),
            ("Trầnhạo", "Tranhao"),
            ("Ōkawhero", "Okawhero"),
            ("Brackenmoor", "Brackenmoor"),
            ("Windarsena", "Windarsena"),
            ("Quillbarra", "Quillbarra"),
            ("Müllerstedt", "Muellerstedt"),
        ],
        family_first: false,
        nationalities: &["AUS", "IDN", "NZL", "PHL", "VNM"],
    },
    Naming {
        script: "Arab",
        given: &[
            ("محمد", "Muhammad"),
            ("فاطمة", "Fatima"),
            ("يوسف", "Yusuf"),
            ("مريم", "Maryam"),
            ("كريم", "Karim"),
            ("ليلى", "Layla"),
        ],
        family: &[
            ("الزرقوني", "al-Zarquni"),
            ("بندراوي", "Bandrawi"),
            ("الشمسبور", "al-Shamsbur"),
            ("قرطومي", "Qartumi"),
        ],
        family_first: false,
        nationalities: &["AFG", "IRN", "IRQ", "PAK", "SYR"],
    },
    Naming {
        script: "Hani",
        given: &[("伟", "Wei"), ("芳", "Fang"), ("秀英", "Xiuying"), ("建国", "Jianguo"), ("明月", "Mingyue")],
        family: &[("欧柳", "Ouliu"), ("尚岩", "Shangyan"), ("东河", "Donghe"), ("司林", "Silin")],
        family_first: true,
        nationalities: &["CHN", "MYS"],
    },
    Naming {
        script: "Thai",
        given: &[("สมชาย", "Somchai"), ("มาลี", "Mali"), ("อนงค์", "Anong"), ("กิตติ", "Kitti")],
        family: &[("ทองวารี", "Thongwari"), ("ศรีนทีทร", "Srinathithon"), ("จันทรเขต", "Chantrakhet")],
        family_first: false,
        nationalities: &["LAO", "THA"],
    },
    Naming {
        script: "Taml",
        given: &[("கவிதா", "Kavitha"), ("அருண்", "Arun"), ("செல்வி", "Selvi"), ("முருகன்", "Murugan")],
        family: &[("வேலங்கடல்", "Velangadal"), ("செந்துறையன்", "Senthuraiyan"), ("பாண்டலூரான்", "Pandaluran")],
        family_first: false,
        nationalities: &["LKA", "MYS"],
    },
];

/// A place with its country, UN/LOCODE and position in 1e-7 degree.
pub struct Port {
    /// Name in English.
    pub name: &'static str,
    /// ISO 3166-1 alpha-3.
    pub country: &'static str,
    /// UN/LOCODE.
    pub unlocode: &'static str,
    /// Latitude.
    pub latitude_e7: i32,
    /// Longitude.
    pub longitude_e7: i32,
}

const fn port(
    name: &'static str,
    country: &'static str,
    unlocode: &'static str,
    latitude_e7: i32,
    longitude_e7: i32,
) -> Port {
    Port { name, country, unlocode, latitude_e7, longitude_e7 }
}

/// Ports of the region.
pub const PORTS: [Port; 10] = [
    port("Jakarta", "IDN", "IDJKT", -61_000_000, 1_068_800_000),
    port("Kupang", "IDN", "IDKOE", -101_700_000, 1_235_800_000),
    port("Belawan", "IDN", "IDBLW", 37_900_000, 986_900_000),
    port("Port Klang", "MYS", "MYPKG", 30_000_000, 1_014_000_000),
    port("Penang", "MYS", "MYPEN", 54_100_000, 1_003_400_000),
    port("Bangkok", "THA", "THBKK", 137_000_000, 1_005_700_000),
    port("Ranong", "THA", "THUNN", 99_600_000, 986_300_000),
    port("Darwin", "AUS", "AUDRW", -124_600_000, 1_308_400_000),
    port("Broome", "AUS", "AUBME", -179_600_000, 1_222_300_000),
    port("Auckland", "NZL", "NZAKL", -368_400_000, 1_747_700_000),
];

/// Invented names of boats.
pub const BOATS: [&str; 8] = [
    "Bintang Selatan",
    "Ombak Tujuh",
    "Southern Heron",
    "Laut Biru IX",
    "Chao Nam",
    "Pelita Harapan",
    "Kahu Moana",
    "Sea Lantern",
];

/// Ways in which people are hidden.
pub const CONCEALMENTS: [&str; 5] =
    ["under fishing nets", "in a false bulkhead", "among deck cargo", "in a refrigerated lorry", ""];

/// Methods of document fraud.
pub const METHODS: [&str; 4] = [
    "substituted photograph under a relaminated bio page",
    "genuine visa on a counterfeit passport",
    "forged entry stamp over an altered date",
    "impostor with a look-alike's genuine passport",
];

/// Invented names of networks.
pub const NETWORKS: [&str; 5] =
    ["Kapak Merah Utara", "Lantern Lane group", "Jalur Seribu", "Red Heron ring", "Tanjung broker"];
