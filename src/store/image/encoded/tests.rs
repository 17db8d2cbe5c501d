//! Text in which Secrets are written, in every form that is decoded.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

const SECRET: &[u8] = b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\xfb\xff\xbe";

fn found(text: &[u8]) -> Vec<(u64, PassedOverForm, BeginningOf)> {
    let mut all = Vec::new();
    begun(text, 0..text.len(), &mut all);
    // One that two ways find is one.
    super::super::begun::drop_read(&mut all, Vec::new());
    all.iter().map(|begun| (begun.at, begun.form, begun.of)).collect()
}

#[test]
fn base64_is_told_at_any_alignment_and_in_lines_of_any_width() {
    for (value, of) in [
        (SECRET, BeginningOf::Secret),
        (b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12", BeginningOf::Other),
        (b"k8s:enc:aescbc:v1:key1:0123456789abcdef", BeginningOf::Sealed),
        (br#"{"kind":"Secret","apiVersion":"v1","metadata":{}}"#, BeginningOf::Secret),
        (br#"{"apiVersion":"v1","kind":"Pod","metadata":{}}"#, BeginningOf::Other),
    ] {
        for before in 0..6usize {
            let bytes = [&[0xfb; 6][..before], value].concat();
            // The first character that is the value's alone.
            let at = (before * 8).div_ceil(6) as u64;
            for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                let it = found(text.as_bytes());
                assert_eq!(it, [(at, PassedOverForm::Base64, of)], "{text}");
                for (width, end) in (4..77).flat_map(|width| [(width, "\n"), (width, "\r\n"), (width, "\n    ")]) {
                    let lines: Vec<&[u8]> = text.as_bytes().chunks(width).collect();
                    let it = found(&lines.join(end.as_bytes()));
                    assert!(width < 21 || it.len() == 1 && it[0].2 == of, "{width} {end:?} {text} {it:?}");
                }
            }
        }
    }
}

#[test]
fn hexadecimal_digits_and_escapes_are_told() {
    let digits: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    for text in [format!("X'{digits}'"), format!("\\x{}", digits.to_uppercase())] {
        assert_eq!(found(text.as_bytes()), [(2, PassedOverForm::Hex, BeginningOf::Secret)], "{text}");
    }
    for width in 11..61 {
        let lines: Vec<&[u8]> = digits.as_bytes().chunks(width).collect();
        assert_eq!(found(&lines.join(&b"\n"[..])), [(0, PassedOverForm::Hex, BeginningOf::Secret)], "{width}");
    }
    for text in [r"k8s\0\n\f\n\x02v1\x12\x06Secret", r"k8s\x00\n\f\n\x02v1", r"k8s\u0000\n\f", r"k8s\000\012\014Secret"] {
        // Where it does not come to say what it is, it may be one.
        assert_eq!(found(text.as_bytes()), [(0, PassedOverForm::Escaped, BeginningOf::Secret)], "{text}");
    }
    let other = r"k8s\x00\n\x0f\n\x02v1\x12\tConfigMap\x12\x90";
    assert_eq!(found(other.as_bytes()), [(0, PassedOverForm::Escaped, BeginningOf::Other)]);
}

/// Bytes as each program writes them, with where in the text they begin.
#[test]
fn every_way_to_write_bytes_as_digits_or_escapes_is_told() {
    let each = |bytes: &[u8], format: fn(&u8) -> String, between: &str| bytes.iter().map(format).collect::<Vec<_>>().join(between);
    let lower: fn(&u8) -> String = |byte| format!("{byte:02x}");
    let upper: fn(&u8) -> String = |byte| format!("{byte:02X}");
    let c: fn(&u8) -> String = |byte| format!("0x{byte:02x}");
    for value in [SECRET, br#"{"kind":"Secret","apiVersion":"v1","metadata":{}}"#] {
        for digits in [lower, upper] {
            for between in ["", " ", ":", "-", ",", ", "] {
                let text = format!("a value: {}", each(value, digits, between));
                assert_eq!(found(text.as_bytes()), [(9, PassedOverForm::Hex, BeginningOf::Secret)], "{text}");
            }
        }
        for between in [" ", ",", ", "] {
            let text = format!("a value: {}", each(value, c, between));
            assert_eq!(found(text.as_bytes()), [(11, PassedOverForm::Hex, BeginningOf::Secret)], "{text}");
        }
        let escapes: [fn(&u8) -> String; 5] = [
            |byte| format!(r"\x{byte:02x}"),
            |byte| format!(r"\x{byte:02X}"),
            |byte| format!(r"\u{byte:04x}"),
            |byte| format!(r"\{byte:03o}"),
            |byte| format!("%{byte:02X}"),
        ];
        for escape in escapes {
            let text = format!("a value: {}", each(value, escape, ""));
            assert_eq!(found(text.as_bytes()), [(9, PassedOverForm::Escaped, BeginningOf::Secret)], "{text}");
            let some: fn(&u8) -> bool = |byte| byte.is_ascii_graphic();
            let mixed: String = value.iter().map(|byte| if some(byte) { char::from(*byte).to_string() } else { escape(byte) }).collect();
            let is_plain = value.iter().all(some);
            assert_eq!(found(format!("a value: {mixed}").as_bytes()).len(), usize::from(!is_plain), "{mixed}");
        }
    }
}

/// A line of a dump: its bytes as `xxd`, `hexdump` and `od` write them.
fn dump(bytes: &[u8], line: impl Fn(usize, &[u8]) -> String) -> String {
    bytes.chunks(16).enumerate().map(|(number, bytes)| line(number * 16, bytes)).collect()
}

fn assert_is_one(dumped: &str, form: PassedOverForm) {
    let it = found(dumped.as_bytes());
    let is_one = !it.is_empty() && it.iter().all(|one| one.1 == form && one.2 == BeginningOf::Secret && one.0 == it[0].0);
    assert!(is_one, "{it:?}\n{dumped}");
}

/// A byte as `od -c` writes it.
fn character(byte: u8) -> String {
    match byte {
        0 => r"  \0".to_owned(),
        b'\n' => r"  \n".to_owned(),
        0x0c => r"  \f".to_owned(),
        b' '..=b'~' => format!("   {}", char::from(byte)),
        byte => format!(" {byte:03o}"),
    }
}

fn uuencoded(bytes: &[u8]) -> String {
    let mut line = vec![32 + u8::try_from(bytes.len()).unwrap_or(0)];
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        let six = [18, 12, 6, 0].map(|shift| u8::try_from(bits >> shift & 0x3f).unwrap_or(0));
        line.extend(six.map(|six| if six == 0 { b'`' } else { six + 32 }));
    }
    String::from_utf8_lossy(&line).into_owned() + "\n"
}

#[test]
fn lines_of_a_dump_are_read_together_wherever_a_value_begins() {
    let words = |bytes: &[u8], swapped: bool| -> String {
        let word = |pair: &[u8]| match pair {
            [first, second] if swapped => format!("{second:02x}{first:02x} "),
            pair => pair.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + " ",
        };
        bytes.chunks(2).map(word).collect()
    };
    let bytes = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x} ")).collect() };
    let text = |bytes: &[u8]| bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect::<String>();
    for before in 0..40 {
        let mut content = [&b"0123456789 abc  def0123456789deadbeef.. a"[..before], SECRET, &[7; 33]].concat();
        content.resize(content.len().next_multiple_of(2), 0);
        let decimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:4}")).collect::<String>();
        let octal = |bytes: &[u8]| bytes.iter().map(|byte| format!(" {byte:03o}")).collect::<String>();
        let pairs = |bytes: &[u8], word: fn(u16) -> String| -> String {
            bytes.chunks(2).map(|pair| word(u16::from_le_bytes([pair[0], pair[1]]))).collect()
        };
        let four = |bytes: &[u8]| -> String {
            bytes.chunks(4).map(|four| format!(" {:08x}", u32::from_le_bytes(four.try_into().unwrap_or_default()))).collect()
        };
        let padded = [&content[..], &vec![0; content.len().next_multiple_of(4) - content.len()]].concat();
        for dumped in [
            dump(&content, |at, line| format!("{at:08x}: {} {}\n", words(line, false), text(line))),
            dump(&content, |at, line| {
                let (first, second) = line.split_at(line.len().min(8));
                format!("{at:08x}  {} {} |{}|\n", bytes(first), bytes(second), text(line))
            }),
            dump(&content, |at, line| format!("{at:07x} {}\n", words(line, true))),
            dump(&content, |at, line| format!("{at:07o} {}\r\n", bytes(line))),
            dump(&padded, |at, line| format!("{at:07o}{}\n", four(line))),
            dump(&content, |_, line| format!("  {}\n", line.iter().map(|byte| format!("0x{byte:02x}, ")).collect::<String>())),
            dump(&content, |_, line| format!("    {}\n", line.iter().map(|byte| format!("{byte:02X}:")).collect::<String>())),
            dump(&content, |_, line| format!("{}\n", bytes(line).replace(' ', ""))),
        ] {
            assert_is_one(&dumped, PassedOverForm::Hex);
            // Behind what fills the last block of another file.
            assert_is_one(&format!("{}{dumped}", "\0".repeat(3000)), PassedOverForm::Hex);
        }
        for dumped in [
            dump(&content, |at, line| format!("{at:07o}{}\n", line.iter().map(|byte| character(*byte)).collect::<String>())),
            dump(&content, |at, line| format!("{at:07o}{}\n", octal(line))),
            dump(&content, |at, line| format!("{at:07o}{}\n", decimal(line))),
            dump(&content, |at, line| format!("{at:07o}{}\n", pairs(line, |word| format!(" {word:06o}")))),
            dump(&content, |at, line| format!("{at:07o}{}\n", pairs(line, |word| format!("{word:6}")))),
            dump(&content, |at, line| format!("{at:07x}{}\n", pairs(line, |word| format!("   {word:05}")))),
        ] {
            assert_is_one(&dumped, PassedOverForm::Numbers);
        }
        let lines = content.chunks(45).map(uuencoded).collect::<String>();
        assert_is_one(&format!("begin 644 a.db\n{lines}`\nend\n"), PassedOverForm::OtherText);
    }
    // Base64 in the lines of a dump.
    let content = STANDARD.encode(SECRET);
    let dumped = dump(content.as_bytes(), |at, line| format!("{at:08x}: {} {}\n", words(line, false), text(line)));
    assert!(matches!(found(dumped.as_bytes())[..], [(10, PassedOverForm::Hex, BeginningOf::Secret), ..]));
}

/// What is told as it stands is told in base64, too.
#[test]
fn text_of_another_form_in_base64_is_told() {
    let json: &[u8] = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}"#;
    let other: &[u8] = br#"{"apiVersion":"v1","data":{"a":"YQ=="},"kind":"Secret","metadata":{"name":"a"}}"#;
    let pretty: &[u8] = b"{\n  \"kind\": \"Secret\",\n  \"metadata\": {}}";
    let yaml: &[u8] = b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n";
    let wide =
        |text: &[u8], is_big: bool| -> Vec<u8> { text.iter().flat_map(|byte| if is_big { [0, *byte] } else { [*byte, 0] }).collect() };
    let each = |bytes: &[u8], format: fn(&u8) -> String| bytes.iter().map(format).collect::<String>().into_bytes();
    let mut texts: Vec<Vec<u8>> = [json, other, pretty, yaml, b"k8s:enc:aescbc:v1:key1:0123456789abcdef"]
        .iter()
        .flat_map(|text| [wide(text, false), wide(text, true)])
        .collect();
    for value in [SECRET, json] {
        let formats: [fn(&u8) -> String; 5] = [
            |byte| format!("{byte:02x}"),
            |byte| format!("{byte:02X} "),
            |byte| format!("{byte}, "),
            |byte| format!(r"\x{byte:02x}"),
            |byte| format!(r"\u{byte:04x}"),
        ];
        texts.extend(formats.map(|format| each(value, format)));
    }
    texts.push(each(json, |byte| format!("&#{byte};")));
    for text in &texts {
        for before in 0..6usize {
            let encoded = STANDARD.encode([&[b'.'; 6][..before], text].concat());
            let it = found(encoded.as_bytes());
            let is_told = it.iter().any(|(_, form, of)| *form == PassedOverForm::Base64 && *of != BeginningOf::Other);
            assert!(is_told, "{before} {}: {it:?}", String::from_utf8_lossy(text));
        }
    }
    // A text that is none of them is not.
    for text in [wide(b"what is written here is not an object", false), each(b"what is written here", |byte| format!("&#{byte};"))] {
        assert_eq!(found(STANDARD.encode(text).as_bytes()), []);
    }
}

#[test]
fn entities_of_html_are_told() {
    let json = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}"#;
    let formats: [fn(&u8) -> String; 3] = [|byte| format!("&#{byte};"), |byte| format!("&#x{byte:x};"), |byte| format!("&#x{byte:X};")];
    for format in formats {
        let text: String = json.iter().map(format).collect();
        assert_eq!(found(text.as_bytes()), [(0, PassedOverForm::Escaped, BeginningOf::Secret)], "{text}");
    }
    for quote in ["&quot;", "&#34;", "&#x22;"] {
        let text = String::from_utf8_lossy(json).replace('"', quote);
        let it = found(text.as_bytes());
        assert!(matches!(it[..], [(_, PassedOverForm::Escaped, BeginningOf::Secret)]), "{text} {it:?}");
    }
}

#[test]
fn base64_of_base64_is_told() {
    for before in 0..9usize {
        let text = STANDARD.encode([&[b'x'; 9][..before], STANDARD.encode(SECRET).as_bytes()].concat());
        let it = found(text.as_bytes());
        assert!(matches!(it[..], [(_, PassedOverForm::Base64, BeginningOf::Secret)]), "{text} {it:?}");
    }
}

#[test]
fn what_is_packed_and_then_written_as_base64_is_told() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &b"kind: Secret\nmetadata:\n".repeat(20)).unwrap_or_default();
    let packed = gzip.finish().unwrap_or_default();
    for before in 0..6usize {
        let once = STANDARD.encode([&[0xfb; 6][..before], &packed].concat());
        let found = found(once.as_bytes());
        assert!(matches!(found[..], [(_, PassedOverForm::Base64, BeginningOf::Stream)]), "{once} {found:?}");
    }
    // As Helm keeps a release in a Secret, and the API server shows that.
    let twice = found(STANDARD.encode(STANDARD.encode(&packed)).as_bytes());
    assert_eq!(twice, [(0, PassedOverForm::Base64, BeginningOf::Stream)]);
}

/// Its sign is two bytes: where a text begins with them, and can be unpacked, it is one.
#[test]
fn a_zlib_stream_that_is_written_as_base64_is_told() {
    let content: Vec<u8> = (0..400u32).flat_map(|number| format!("kind: Secret {number}\n").into_bytes()).collect();
    for (level, length) in [1, 6, 9].into_iter().flat_map(|level| [40, 400, content.len()].map(|length| (level, length))) {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        std::io::Write::write_all(&mut zlib, &content[..length]).unwrap_or_default();
        let packed = zlib.finish().unwrap_or_default();
        let lines = |text: String| text.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\n"[..]);
        for text in [STANDARD.encode(&packed).into_bytes(), URL_SAFE_NO_PAD.encode(&packed).into_bytes(), lines(STANDARD.encode(&packed))] {
            let told = (0, PassedOverForm::Base64, BeginningOf::Stream);
            assert_eq!(found(&text), [told], "{level} {length}");
            let quoted = [b"{\"a\":\"", &text[..], b"\"}"].concat();
            assert_eq!(found(&quoted), [(6, told.1, told.2)], "{level} {length}");
        }
    }
    for text in ["eJwhat", "eJwthis is no stream, and only begins so", "eNo, and eJy"] {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn other_codes_and_lists_of_numbers_are_told() {
    let json = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"}}"#;
    let yaml = b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n";
    for value in [SECRET, json, yaml] {
        for between in [",", ", ", " ", ",\n      "] {
            let numbers = value.iter().map(u8::to_string).collect::<Vec<_>>().join(between);
            let it = found(format!("{{\"type\":\"Buffer\",\"data\":[{numbers}]}}").as_bytes());
            assert!(matches!(it[..], [(_, PassedOverForm::Numbers, BeginningOf::Secret)]), "{numbers} {it:?}");
        }
        for before in 0..7 {
            let bytes = [&[b'x'; 7][..before], value, b"and so on"].concat();
            for text in [base32(&bytes), ascii85(&bytes)] {
                let it = found(text.as_bytes());
                let is_told = it.iter().all(|one| (one.1, one.2) == (PassedOverForm::OtherText, BeginningOf::Secret));
                assert!(is_told && !it.is_empty(), "{before} {text} {it:?}");
            }
        }
    }
    for text in ["=6B=38=73=00=0A=0C=0A=02v1=12=06Secret=12", "k8s=00=0A=0C=\r\n=0A=02v1=12=06Secret"] {
        assert_eq!(found(text.as_bytes()), [(0, PassedOverForm::Escaped, BeginningOf::Secret)], "{text}");
    }
    for text in ["107,56,114,0", "123 34 5", "BEGIN 107\n", "x=6B and y=00"] {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
}

fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digit = |five: &[u8]| five.iter().fold(0, |digit, bit| digit << 1 | usize::from(*bit)) << (5 - five.len());
    bits.chunks(5).map(|five| char::from(alphabet[digit(five)])).collect()
}

fn ascii85(bytes: &[u8]) -> String {
    let group = |four: &[u8]| {
        let number = u32::from_be_bytes(four.try_into().unwrap_or_default());
        [52_200_625, 614_125, 7225, 85, 1].map(|power| char::from(33 + u8::try_from(number / power % 85).unwrap_or(0)))
    };
    bytes.chunks_exact(4).flat_map(group).collect()
}

#[test]
fn utf_16_is_searched_like_other_text() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let json = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"}}"#;
    let dumped = dump(SECRET, |at, line| format!("{at:07o}{}\n", line.iter().map(|byte| character(*byte)).collect::<String>()));
    for text in [
        json,
        "apiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: db\r\n",
        &STANDARD.encode(SECRET),
        &STANDARD.encode(json),
        &dumped,
        r"k8s\x00\n\f\n\x02v1\x12\x06Secret",
    ] {
        for before in [0, 1, 777] {
            let it = found(&[&vec![0xff; before][..], b"\xff\xfe", &wide(text), &[0; 99]].concat());
            assert!(matches!(it[..], [(_, PassedOverForm::Wide, BeginningOf::Secret)]), "{text} {before} {it:?}");
        }
    }
    assert_eq!(found(&wide("kind: Secrets are objects, and this is a text about them")), []);
}

#[test]
fn text_that_only_looks_alike_is_none() {
    for text in ["azhzAAbbbbbbbbbbbbbbbbbb", "the words k8s and enc", "6b3873000b0c", "eyJhbGciOiJSUzI1NiJ9", "azhz\nAA"] {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn what_begins_in_one_window_is_noted_there_alone() {
    let text = STANDARD.encode([&[0; 30][..], SECRET].concat());
    let whole = found(text.as_bytes());
    for border in 1..text.len() {
        let mut all = Vec::new();
        begun(text.as_bytes(), 0..border, &mut all);
        begun(text.as_bytes(), border..text.len(), &mut all);
        super::super::begun::drop_read(&mut all, Vec::new());
        assert_eq!(all.len(), whole.len(), "{border}");
    }
}
