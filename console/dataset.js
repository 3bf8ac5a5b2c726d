// One dataset version in the console: what it is, which rows were set aside, what its columns hold.
// Bars are drawn here from the profile, so that nothing is loaded from elsewhere.
"use strict";

const REJECTS_PAGE = 20;
const MOST_COLUMNS = 100;
const SVG = "http://www.w3.org/2000/svg";

let shownDataset = null; // pipeline and version whose answers are awaited

/** Show one version below the list; an answer for one that was left meanwhile is dropped. */
async function openDataset(row) {
  const path = `datasets/${encodeURIComponent(chosen)}/${row.version}`;
  shownDataset = path;
  at("dataset").hidden = false;
  at("h-dataset").textContent = `Dataset version ${row.alias}`;
  showFacts(row);
  at("rejects").replaceChildren();
  at("profile").replaceChildren();
  at("h-dataset").focus();
  try {
    const [page, profile] = await Promise.all([
      call(`${path}/rejects?limit=${REJECTS_PAGE}`),
      row.state === "READY" ? find(`${path}/profile`) : null,
    ]);
    if (path !== shownDataset) return;
    showRejects(path, page, []);
    showProfile(profile);
  } catch (error) {
    tell(error);
  }
}

function closeDataset() {
  shownDataset = null;
  at("dataset").hidden = true;
}

function showFacts(row) {
  table(at("facts"), [row], [
    ["state", () => state(row.state)],
    ["file", () => row.key.split("/").pop()],
    ["bytes", () => number(row.size_bytes)],
    ["rows read", () => number(row.row_count)],
    ["good", () => number(row.rows_good)],
    ["bad", () => number(row.rows_bad)],
    ["reason", () => reasonLink(row)],
    ["what it says", () => row.detail],
  ]);
}

/** Link the reason to the page that explains it; only a page of this origin is one. */
function reasonLink(row) {
  if (!row.reason_url?.startsWith("/reasons/")) return row.reason ?? "";
  return make("a", { href: row.reason_url }, row.reason);
}

function showRejects(path, page, before) {
  const rejects = [...before, ...page.rejects];
  table(at("rejects"), rejects, [
    ["row", (reject) => number(reject.row)],
    ["column", (reject) => reject.column],
    ["rule", (reject) => reject.rule],
    ["value", (reject) => make("code", {}, reject.value)],
  ]);
  if (!rejects.length) at("rejects").replaceChildren(make("p", { className: "hint" }, "no row was set aside"));
  if (!page.next) return;
  const more = make("button", { type: "button" }, "More rows");
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      const next = await call(`${path}/rejects?limit=${REJECTS_PAGE}&cursor=${encodeURIComponent(page.next)}`);
      if (path === shownDataset) showRejects(path, next, rejects);
    } catch (error) {
      more.disabled = false;
      tell(error);
    }
  });
  at("rejects").append(more);
}

function showProfile(profile) {
  if (!profile) return at("profile").replaceChildren(make("p", { className: "hint" }, "only READY versions have a profile"));
  const left = profile.columns.length - MOST_COLUMNS;
  const note = left > 0 ? [make("p", { className: "hint" }, `${left} more columns are in the profile`)] : [];
  at("profile").replaceChildren(...profile.columns.slice(0, MOST_COLUMNS).map((column) => card(column, profile.row_count)), ...note);
}

function card(column, rows) {
  const share = rows ? column.missing / rows : 0;
  const missing = share.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 });
  const distinct = `${column.distinct_is_approximate ? "about " : ""}${number(column.distinct)} distinct`;
  const facts = [`${number(column.count)} values`, `${missing} missing`, distinct];
  if (column.min != null) facts.push(`${short(column.min)} to ${short(column.max)}`);
  if (column.mean != null) facts.push(`mean ${number(column.mean)}`);
  const heading = make("h4", {}, column.name, " ", make("span", { className: "hint" }, column.type));
  return make("article", {}, heading, make("p", { className: "hint" }, facts.join(", ")), plot(column));
}

/** Choose the plot as the service's Vega-Lite page does: frequent values, else rows by value or by time. */
function plot(column) {
  if (column.top?.length) return frequent(column.top);
  const { histogram, periods } = column;
  if (histogram) {
    const names = histogram.counts.map((_, i) => `${number(histogram.edges[i])} to ${number(histogram.edges[i + 1])}`);
    return upright(histogram.counts, names, [number(histogram.edges[0]), number(histogram.edges.at(-1))]);
  }
  if (!periods?.starts.length) return "";
  const days = periods.starts.map((start) => start.slice(0, 10));
  return upright(periods.counts, days, [`${days[0]} (${periods.unit})`, days.at(-1)]);
}

function frequent(top) {
  const most = Math.max(...top.map(({ count }) => count));
  const rows = top.slice(0, 10).map(({ value, count }) => {
    const bar = draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
    bar.append(draw("rect", { width: (100 * count) / most, height: 10 }));
    return make("tr", {}, make("td", {}, short(value)), make("td", {}, bar), make("td", {}, number(count)));
  });
  return make("table", { className: "bars" }, make("tbody", {}, ...rows));
}

function upright(counts, names, ends) {
  const most = Math.max(...counts);
  const width = 100 / counts.length;
  const picture = draw("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img", "aria-label": `${ends[0]} to ${ends[1]}` });
  counts.forEach((count, i) => {
    const height = most ? (40 * count) / most : 0;
    const bar = draw("rect", { x: i * width, y: 40 - height, width: width * 0.92, height });
    const title = draw("title", {});
    title.textContent = `${names[i]}: ${number(count)} rows`;
    bar.append(title);
    picture.append(bar);
  });
  return make("figure", {}, picture, make("figcaption", {}, make("span", {}, ends[0]), make("span", {}, ends[1])));
}

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function short(value) {
  const text = typeof value === "number" ? number(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

at("close").addEventListener("click", closeDataset);
