//! Curves as SVG, with the middle half of the rounds as bars.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use crate::table::{Curve, figure};

const SIZE: (u32, u32) = (760, 420);
const FLOOR: RGBColor = RGBColor(0x88, 0x88, 0x88);
const OURS: RGBColor = RGBColor(0x0b, 0x5f, 0xa5);
const PEER: RGBColor = RGBColor(0xc4, 0x54, 0x00);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes the plot of a curve.
pub fn write(curve: &Curve, path: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || curve.series.iter().flat_map(|series| &series.points);
    let (first, last) = ends(points().map(|point| point.x));
    let (least, most) = ends(points().map(|point| point.y.median));
    // Over several powers of ten only their number can be told apart.
    let y = (least * 0.7)..(most * 1.5);
    match (last / first > 50.0, most / least > 20.0) {
        (true, true) => draw(curve, &area, (first..last).log_scale(), y.log_scale()),
        (true, false) => draw(curve, &area, (first..last).log_scale(), 0.0..most * 1.2),
        (false, true) => draw(curve, &area, first..last.max(first + 1.0), y.log_scale()),
        (false, false) => draw(curve, &area, first..last.max(first + 1.0), 0.0..most * 1.2),
    }?;
    area.present()?;
    Ok(())
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(least, most), value| (value.min(least), value.max(most)))
}

fn draw<X, Y>(curve: &Curve, area: &Area<'_>, x: X, y: Y) -> Result<(), Box<dyn Error>>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(&curve.title, ("sans-serif", 18))
        .margin(14)
        .margin_right(36)
        .x_label_area_size(46)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(&curve.x)
        .y_desc(&curve.y)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .x_label_formatter(&|value| round(*value))
        .y_label_formatter(&|value| round(*value))
        .x_labels(curve.series.first().map_or(0, |series| series.points.len()))
        .light_line_style(WHITE)
        .draw()?;
    for series in &curve.series {
        let color = color(&series.subject);
        let line = series.points.iter().map(|point| (point.x, point.y.median));
        chart
            .draw_series(LineSeries::new(line.clone(), color.stroke_width(2)))?
            .label(&series.subject)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        chart.draw_series(line.map(|at| Circle::new(at, 3, color.filled())))?;
        let bars = series.points.iter().map(|point| {
            PathElement::new([(point.x, point.y.low), (point.x, point.y.high)], color.stroke_width(1))
        });
        chart.draw_series(bars)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(0xcc, 0xcc, 0xcc))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}

fn color(subject: &str) -> RGBColor {
    match subject {
        ours if ours.starts_with("ratekeeper") => OURS,
        floor if floor.starts_with("floor") => FLOOR,
        _ => PEER,
    }
}

/// Without the digits behind the point that no label needs.
fn round(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        format!("{value:.1}")
    } else {
        figure(value.round()).replace(".00", "").replace(".0", "")
    }
}
