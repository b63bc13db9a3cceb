//! THROWAWAY, to try the engine: the lead's main.rs replaces this.

use std::path::PathBuf;
use std::process::ExitCode;

use activitylog::engine::{self, EngineOptions, child};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        arguments
            .iter()
            .position(|a| a == name)
            .and_then(|at| arguments.get(at + 1))
            .cloned()
    };
    let data_dir = PathBuf::from(value("--data-dir").unwrap_or_else(|| "./data".to_owned()));
    match arguments.get(1).map(String::as_str) {
        Some("engine") => {
            let library = PathBuf::from(value("--lib").expect("--lib PATH"));
            match child::run(&child::ChildOptions { data_dir, library }) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::from(error.child_exit_code())
                }
            }
        }
        Some("serve-engine") => serve_engine(data_dir),
        _ => ExitCode::from(64),
    }
}

fn serve_engine(data_dir: PathBuf) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let result = runtime.block_on(async {
        let started = std::time::Instant::now();
        let lock = engine::lock_data_dir(&data_dir)?;
        let engine = engine::start(&lock, EngineOptions::default()).await?;
        println!(
            "{:?} after {} ms",
            *engine.state().borrow(),
            started.elapsed().as_millis()
        );
        let _ = tokio::signal::ctrl_c().await;
        engine.shutdown().await;
        Ok::<_, engine::EngineError>(())
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
