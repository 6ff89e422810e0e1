//! Files and their cases, on every deployment that they want.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use stator_client::Runtime;

use super::deployments::{Deployment, Deployments};
use super::requirements::{self, UNMET};
use super::schema::{Test, TestFile};
use super::stop::{Outcome, Stop};
use super::{case, contradictions};
use crate::conformance::Report;
use crate::conformance::files::json_files;

/// How the cases of a folder must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Verdict {
    /// They pass.
    #[default]
    Pass,
    /// They fail: they are tests of the runner itself.
    Fail,
}

/// Which cases are run, and what is shown of them.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Only files whose path contains this.
    pub file: Option<String>,
    /// Only cases whose description contains this.
    pub case: Option<String>,
    /// Whether to print what happens.
    pub trace: bool,
    /// How the cases must end.
    pub verdict: Verdict,
    /// Whether to run them on servers that refuse what declares no version of the API; nothing happens on releases before 5.0,
    /// which know of no such thing.
    pub require_api_version: bool,
}

/// Runs every file below `area/folder` on a runtime; must be awaited inside of it.
pub async fn run_folder<R: Runtime>(
    runtime: &R,
    deployments: &Deployments,
    settings: &Settings,
    area: &Path,
    folder: &str,
    report: &mut Report,
) {
    if settings.require_api_version {
        match deployments.version() {
            Ok(version) if version.major < 5 => return,
            Ok(_) => {}
            Err(error) => return report.record(folder, "", Err(error)),
        }
    }
    let files = match json_files(&area.join(folder)) {
        Ok(files) => files,
        Err(error) => return report.record(folder, "", Err(format!("cannot list the files: {error}"))),
    };
    for path in files {
        let name = path.strip_prefix(area).unwrap_or(&path).display().to_string();
        if settings.file.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| error.to_string());
        match text.and_then(|text| TestFile::parse(&text)) {
            Err(_) if settings.verdict == Verdict::Fail => report.record(&name, "", Ok(())),
            Err(error) => report.record(&name, "", Err(format!("cannot read the file: {error}"))),
            Ok(file) => run_file(runtime, deployments, settings, &name, &file, report).await,
        }
    }
}

/// Runs the cases of one file.
pub async fn run_file<R: Runtime>(
    runtime: &R,
    deployments: &Deployments,
    settings: &Settings,
    name: &str,
    file: &TestFile,
    report: &mut Report,
) {
    for test in &*file.tests {
        if settings.case.as_ref().is_some_and(|part| !test.description.contains(part.as_str())) {
            continue;
        }
        if let Some(reason) = &test.skip_reason {
            report.skip(name, &test.description, format!("skipReason: {reason}"));
            continue;
        }
        let chosen = match choose(deployments, settings.require_api_version, file, test) {
            Ok(chosen) => chosen,
            Err(reason) => {
                report.record(name, &test.description, Err(reason));
                continue;
            }
        };
        if chosen.is_empty() {
            report.skip(name, &test.description, UNMET);
        }
        for deployment in chosen {
            let label = format!("{name} [{}]", deployment.label());
            // `choose` has asked for it.
            let contradiction =
                deployment.version().ok().and_then(|version| contradictions::of(name, &test.description, version));
            if let Some(reason) = contradiction {
                report.skip(&label, &test.description, reason);
                continue;
            }
            if settings.trace {
                eprintln!("{label}: {}", test.description);
            }
            let outcome: Outcome = case::run(runtime, deployment, file, test, settings.trace).await;
            if settings.trace {
                eprintln!("  {outcome:?}");
            }
            let case = &test.description;
            match (outcome, settings.verdict) {
                (Ok(()), Verdict::Pass) | (Err(Stop::Fail(_)), Verdict::Fail) => report.record(&label, case, Ok(())),
                (Ok(()), Verdict::Fail) => report.record(&label, case, Err("passed, and should fail".into())),
                (Err(Stop::Fail(reason)), Verdict::Pass) => report.record(&label, case, Err(reason)),
                (Err(Stop::Skip(reason)), _) => report.skip(&label, case, reason),
            }
        }
    }
}

/// The deployments on which a case is to run: of each shape, the first that it is content with.
fn choose<'a>(
    deployments: &'a Deployments,
    api_version: bool,
    file: &TestFile,
    test: &Test,
) -> Result<Vec<&'a Arc<Deployment>>, String> {
    let mut chosen = Vec::new();
    for shape in requirements::SHAPES {
        for deployment in deployments.all(api_version).filter(|deployment| deployment.topology() == shape) {
            if requirements::met(file.run_on_requirements.as_deref(), deployment)?
                && requirements::met(test.run_on_requirements.as_deref(), deployment)?
            {
                chosen.push(deployment);
                break;
            }
        }
    }
    Ok(chosen)
}
