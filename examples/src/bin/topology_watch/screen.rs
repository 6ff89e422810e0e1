//! The drawing.

use std::io;
use std::sync::mpsc::Sender;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::widgets::{Block, Paragraph, Row, Table};
use ratatui::{DefaultTerminal, Frame};

use crate::Wake;
use crate::view::{LOAD_COLUMNS, POOL_COLUMNS, SERVER_COLUMNS, View};

/// The terminal, while it is ours. It is given back on drop; in a panic ratatui's hook has done so before the message is printed.
#[derive(Debug)]
pub(crate) struct Screen(DefaultTerminal);

impl Screen {
    pub(crate) fn open(wake: Sender<Wake>) -> io::Result<Self> {
        let screen = Self(ratatui::try_init()?);
        // It ends with the process, or when nobody listens any more.
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                let told = match event {
                    Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
                        KeyCode::Char('q') | KeyCode::Esc => Wake::Quit,
                        // In raw mode this is a key like any other.
                        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Wake::Quit,
                        _ => continue,
                    },
                    Event::Resize(..) => Wake::Redraw,
                    _ => continue,
                };
                if wake.send(told).is_err() {
                    return;
                }
            }
        });
        Ok(screen)
    }

    pub(crate) fn show(&mut self, view: &View) -> io::Result<()> {
        self.0.draw(|frame| draw(frame, view)).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A second time would put the cursor back to where it was, above the panic's message.
        if !std::thread::panicking() {
            ratatui::restore();
        }
    }
}

fn draw(frame: &mut Frame<'_>, view: &View) {
    let height = |rows: usize| Constraint::Length(u16::try_from(rows + 3).unwrap_or(u16::MAX));
    let [servers, pools, load, news] = Layout::vertical([
        height(view.servers.len()),
        height(view.pools.len()),
        height(view.load.len()),
        Constraint::Min(3),
    ])
    .areas(frame.area());
    table(frame, servers, &view.title, (SERVER_COLUMNS, [24, 14, 11, 0]), &view.servers);
    table(frame, pools, "Pools", (POOL_COLUMNS, [24, 8, 7, 7, 7, 8, 8, 10, 0]), &view.pools);
    table(frame, load, "Load", (LOAD_COLUMNS, [24, 8, 9, 8, 0]), &view.load);
    let room = usize::from(news.height.saturating_sub(2));
    let last = &view.news[view.news.len().saturating_sub(room)..];
    let block = Block::bordered().title(" Events ").title_bottom(" q quits ");
    frame.render_widget(Paragraph::new(last.join("\n")).block(block), news);
}

/// A width of zero takes what is left.
fn table<const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    (columns, widths): ([&'static str; N], [u16; N]),
    rows: &[[String; N]],
) {
    let widths = widths.map(|width| if width == 0 { Constraint::Fill(1) } else { Constraint::Length(width) });
    let rows = rows.iter().map(|row| Row::new(row.iter().map(String::as_str)).style(style(row)));
    let table =
        Table::new(rows, widths).header(Row::new(columns).bold()).block(Block::bordered().title(format!(" {title} ")));
    frame.render_widget(table, area);
}

/// A row's colour: the primary and what does not work stand out.
fn style(row: &[String]) -> Style {
    match row.get(1).map(String::as_str) {
        Some("RSPrimary") => Color::Green.into(),
        Some("Unknown" | "Paused") => Color::Red.into(),
        _ => Style::new(),
    }
}
