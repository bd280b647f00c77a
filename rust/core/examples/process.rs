//! `process` from a shell, for measuring the engine without Python:
//! `cargo run --release --example process -- OUT THREADS PLAN|- IN…`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use corpuskit_core::plan::Plan;
use corpuskit_core::run::{Control, Options, Progress, process};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, threads, plan, inputs @ ..] = &arguments[..] else {
        eprintln!("usage: process OUT THREADS PLAN|- IN…");
        std::process::exit(2);
    };
    let run = || {
        let plan = match plan.as_str() {
            "-" => Plan::default(),
            path => {
                let text = std::fs::read_to_string(path).map_err(|error| corpuskit_core::Error::io(path, error))?;
                Plan::from_yaml(&text, path)?
            }
        };
        let options = Options { threads: threads.parse().unwrap_or(1), ..Options::default() };
        process(&plan, inputs, out.as_ref(), &options, &|_: &Progress| Control::Continue)
    };
    match run() {
        Ok(summary) => {
            let records = summary.report.records;
            println!("{:?} in {:.3} s, continued: {}", records, summary.seconds, summary.continued);
        }
        Err(error) => {
            eprintln!("error: {error}\n\nhint: {}", error.hint().unwrap_or("none"));
            std::process::exit(2);
        }
    }
}
