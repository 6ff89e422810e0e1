//! Every runner does every task that it says it can, as far as a replaying server serves it, and none does less than it was asked for.

use std::sync::Arc;

use stator_benches::driver::Settings;
use stator_benches::runner::{all, codecs};
use stator_benches::{Data, Task, replay};

#[test]
fn every_runner_does_what_it_can() {
    let data = Arc::new(Data::generated(replay::SCALE));
    let address = replay::start(&data).unwrap();
    let settings = Settings::new(address, data, std::env::temp_dir());
    let mut done = 0;
    for contender in all() {
        let mut runner = (contender.make)(&settings).unwrap();
        let concurrent = [Task::Concurrent { tasks: 16, pool: 10 }, Task::Concurrent { tasks: 1, pool: 1 }];
        let tasks = Task::all().into_iter().filter(|task| task.can_replay()).chain(concurrent);
        for task in tasks.chain([Task::ColdStart, Task::ColdPool]).filter(|task| (contender.can)(*task)) {
            let did = runner.run(task, 10).unwrap_or_else(|error| panic!("{task} by {}: {error}", contender.name));
            assert!(did.operations >= if task.is_once() { 1 } else { 10 }, "{task} by {}: {did:?}", contender.name);
            done += 1;
        }
    }
    assert!(done > 80, "{done}");
}

#[test]
fn every_codec_does_what_it_can() {
    let data = Arc::new(Data::generated(replay::SCALE));
    let settings = Settings::new(([127, 0, 0, 1], 1).into(), data, std::env::temp_dir());
    for contender in codecs() {
        let mut runner = (contender.make)(&settings).unwrap();
        for task in Task::all().into_iter().filter(|task| task.is_bson() && (contender.can)(*task)) {
            runner.run(task, 2).unwrap_or_else(|error| panic!("{task} by {}: {error}", contender.name));
        }
    }
}
