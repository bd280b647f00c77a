//! The families, in the order in which they are tried.

use super::plain::{Around, Plain, System, Trim};
use super::qwen::{Qwen, Thinking};
use super::{Family, Specials};

/// A family's name and how it is made for a tokenizer.
type Make = fn(&Specials) -> Box<dyn Family>;

/// Every family.
pub static FAMILIES: &[(&str, Make)] = &[
    ("qwen3", |_| qwen("qwen3", Thinking::AfterLastQuestion, None)),
    ("qwen3_thinking", |_| qwen("qwen3_thinking", Thinking::Always, None)),
    ("qwen3_instruct", |_| qwen("qwen3_instruct", Thinking::None, None)),
    ("qwen2.5", |_| {
        let system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";
        qwen("qwen2.5", Thinking::None, Some(system))
    }),
    ("chatml", |_| chatml("chatml", "", None)),
    ("chatml_bos", |specials| chatml("chatml_bos", &specials.bos, None)),
    ("chatml_assistant", |_| chatml("chatml_assistant", "", Some("You are a helpful assistant."))),
    ("chatml_smollm", |_| {
        let system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";
        chatml("chatml_smollm", "", Some(system))
    }),
    ("llama3", |specials| {
        let around = around("<|start_header_id|>{role}<|end_header_id|>", "\n\n", "<|eot_id|>", "");
        plain(Plain { begin: specials.bos.clone(), trim: Trim::Both, ..base("llama3", vec![("*", around)]) })
    }),
    ("llama2", |specials| {
        let system = System::Before { open: "<<SYS>>\n", close: "\n<</SYS>>\n\n" };
        let before = format!("{}[INST]", specials.bos);
        let roles = vec![
            ("user", around(&before, " ", " [/INST]", "")),
            ("assistant", around(" ", "", &format!(" {}", specials.eos), "")),
        ];
        plain(Plain { system, alternate: true, trim: Trim::Both, ..base("llama2", roles) })
    }),
    ("mistral", |specials| {
        let roles =
            vec![("user", around("[INST]", " ", " [/INST]", "")), ("assistant", around("", "", &specials.eos, ""))];
        let begin = specials.bos.clone();
        plain(Plain { begin, system: System::Refused, alternate: true, ..base("mistral", roles) })
    }),
    ("mistral_spaced", |specials| {
        let roles =
            vec![("user", around("[INST]", " ", " [/INST]", "")), ("assistant", around("", "", &specials.eos, " "))];
        let begin = specials.bos.clone();
        plain(Plain { begin, system: System::Refused, alternate: true, ..base("mistral_spaced", roles) })
    }),
    ("phi3", |specials| phi("phi3", System::Anywhere, &specials.eos)),
    ("phi3.5", |specials| phi("phi3.5", System::AnywhereUnlessEmpty, &specials.eos)),
    ("gemma", |specials| gemma("gemma", System::Refused, specials)),
    ("gemma3", |specials| gemma("gemma3", System::Before { open: "", close: "\n\n" }, specials)),
    ("zephyr", |specials| {
        let of = |role: &str| around(&format!("<|{role}|>"), "\n", &specials.eos, "\n");
        plain(base("zephyr", vec![("system", of("system")), ("user", of("user")), ("assistant", of("assistant"))]))
    }),
    ("cohere", |specials| {
        let of =
            |role: &str| around(&format!("<|START_OF_TURN_TOKEN|><|{role}_TOKEN|>"), "", "<|END_OF_TURN_TOKEN|>", "");
        let roles = vec![("system", of("SYSTEM")), ("user", of("USER")), ("assistant", of("CHATBOT"))];
        let begin = specials.bos.clone();
        plain(Plain { begin, system: System::First, alternate: true, trim: Trim::Turns, ..base("cohere", roles) })
    }),
];

/// The family of a name.
pub fn family(name: &str, specials: &Specials) -> Option<Box<dyn Family>> {
    FAMILIES.iter().find(|(known, _)| *known == name).map(|(_, make)| make(specials))
}

fn plain(family: Plain) -> Box<dyn Family> {
    Box::new(family)
}

fn qwen(name: &'static str, thinking: Thinking, default_system: Option<&'static str>) -> Box<dyn Family> {
    Box::new(Qwen { name, thinking, default_system })
}

fn base(name: &'static str, roles: Vec<(&'static str, Around)>) -> Plain {
    let (begin, finish) = (String::new(), String::new());
    Plain {
        name,
        begin,
        finish,
        system: System::Anywhere,
        default_system: None,
        alternate: false,
        trim: Trim::No,
        roles,
    }
}

fn around(before: &str, lead: &'static str, after: &str, trail: &'static str) -> Around {
    Around { before: before.to_owned(), lead, after: after.to_owned(), trail }
}

fn chatml(name: &'static str, begin: &str, default_system: Option<&'static str>) -> Box<dyn Family> {
    let around = around("<|im_start|>{role}", "\n", "<|im_end|>", "\n");
    plain(Plain { begin: begin.to_owned(), default_system, ..base(name, vec![("*", around)]) })
}

fn phi(name: &'static str, system: System, eos: &str) -> Box<dyn Family> {
    let of = |role: &str| around(&format!("<|{role}|>"), "\n", "<|end|>", "\n");
    let roles = vec![("system", of("system")), ("user", of("user")), ("assistant", of("assistant"))];
    plain(Plain { finish: eos.to_owned(), system, ..base(name, roles) })
}

fn gemma(name: &'static str, system: System, specials: &Specials) -> Box<dyn Family> {
    let of = |role: &str| around(&format!("<start_of_turn>{role}"), "\n", "<end_of_turn>", "\n");
    let roles = vec![("user", of("user")), ("assistant", of("model"))];
    let begin = specials.bos.clone();
    plain(Plain { begin, system, alternate: true, trim: Trim::Both, ..base(name, roles) })
}
