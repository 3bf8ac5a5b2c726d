// The console: reads the REST API with the caller's token and shows what it says.
// Whatever comes from the API becomes text (textContent), never markup.
"use strict";

const KEY = "headrace-token";
const REFRESH_MS = 5000;
const GOOD = new Set(["READY", "SUCCEEDED", "APPROVED", "passed", "LIVE"]);
const BAD = new Set(["REJECTED", "FAILED", "DEAD", "NEEDS_PERSON", "failed", "ROLLED_BACK"]);
const at = (id) => document.getElementById(id);

let chosen = null; // the pipeline that is shown
let formOf = null; // the model version the prediction form was made for

/** Make an element with properties and children; texts become text nodes. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.map((child) => (child instanceof Node ? child : String(child ?? ""))));
  return element;
}

/** Call the API; an error answer becomes an Error with its title, detail and wrong places. */
async function call(path, options = {}) {
  const token = sessionStorage.getItem(KEY);
  const headers = { Accept: "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  if (options.body) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/v1/${path}`, { ...options, headers, cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const places = (body.errors || []).map((error) => `${error.pointer}: ${error.detail}`);
  const error = new Error([`${body.title || answer.status}: ${body.detail || ""}`, ...places].join("\n"));
  throw Object.assign(error, { status: answer.status });
}

/** Like call, but null for what does not exist (yet). */
async function find(path) {
  try {
    return await call(path);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function tell(error) {
  at("problem").hidden = !error;
  at("problem").textContent = error ? error.message : "";
}

const state = (text) => make("span", { className: GOOD.has(text) ? "good" : BAD.has(text) ? "bad" : "" }, text);
const time = (text) => (text ? make("time", { dateTime: text }, new Date(text).toLocaleString()) : "");
const list = (items) => make("ul", {}, ...items.map((item) => make("li", {}, item)));
const number = (value) => (typeof value === "number" ? value.toLocaleString(undefined, { maximumFractionDigits: 4 }) : value);

/** Show rows as a table: columns are pairs of a heading and a function from the row to its cell. */
function table(place, rows, columns) {
  if (!rows.length) return place.replaceChildren(make("p", { className: "hint" }, "none yet"));
  const head = make("tr", {}, ...columns.map(([heading]) => make("th", { scope: "col" }, heading)));
  const body = rows.map((row) => make("tr", {}, ...columns.map(([, cell]) => make("td", {}, cell(row)))));
  place.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

async function showHealth() {
  try {
    const health = await call("health");
    at("health").textContent = `stage ${health.stage}: ${health.status}`;
  } catch (error) {
    at("health").textContent = "the stage does not answer";
  }
}

async function showPipelines() {
  const { pipelines } = await call("pipelines");
  const hint = make("p", { className: "hint" }, "No pipeline yet: headrace init DATA.csv --target COLUMN");
  const buttons = pipelines.map(({ pipeline }) => {
    const button = make("button", { type: "button", onclick: () => choose(pipeline) }, pipeline);
    button.setAttribute("aria-current", String(pipeline === chosen));
    return button;
  });
  at("pipelines").replaceChildren(...(buttons.length ? buttons : [hint]));
  if (!chosen && pipelines.length === 1) await choose(pipelines[0].pipeline);
}

async function choose(pipeline) {
  chosen = pipeline;
  formOf = null;
  closeDataset();
  at("pipeline").hidden = false;
  at("name").textContent = pipeline;
  at("answer").textContent = "";
  for (const button of at("pipelines").querySelectorAll("button")) {
    button.setAttribute("aria-current", String(button.textContent === pipeline));
  }
  await refresh();
  at("name").focus();
}

/** Read everything about the chosen pipeline; an answer for one that was left meanwhile is dropped. */
async function refresh() {
  const pipeline = chosen;
  if (!pipeline) return;
  const name = encodeURIComponent(pipeline);
  try {
    const [release, models, jobs, datasets] = await Promise.all([
      find(`endpoints/${name}`),
      find(`models/${name}?limit=20`),
      call(`training-jobs?pipeline=${name}&limit=20`),
      find(`datasets/${name}?limit=20`),
    ]);
    if (pipeline !== chosen) return;
    tell(null);
    showLive(release);
    showModels(models?.versions || []);
    showJobs(jobs.jobs);
    showDatasets(datasets?.versions || []);
    await showForm(name, release?.live || null);
  } catch (error) {
    if (error.status === 401) forget();
    tell(error);
  }
}

function showLive(release) {
  table(at("live"), release ? [release] : [], [
    ["live", (row) => (row.asleep_at ? `${row.live} (asleep)` : row.live || "nothing")],
    ["since", (row) => time(row.live_since)],
    ["before", (row) => row.previous],
    ["rolling out", rollingOut],
    ["last release", (row) => state(row.outcome)],
    ["reason", (row) => row.reason],
  ]);
}

/** What is on its way, and the share of the requests that it answers already. */
function rollingOut(row) {
  if (!row.candidate) return "";
  const share = row.mode === "canary" ? ` ${number(row.weight * 100)} %` : "";
  return `${row.candidate} (${row.phase}${share})`;
}

function showModels(models) {
  const verdict = (v) => make("span", {}, state(v.outcome), ` ${v.clause}${v.detail ? `: ${v.detail}` : ""}`);
  const metric = ([metricName, value]) => `${metricName} ${number(value)}`;
  table(at("models"), models, [
    ["version", (row) => row.version],
    ["state", (row) => state(row.state)],
    ["metrics", (row) => list(Object.entries(row.metrics).map(metric))],
    ["gate", (row) => list(row.verdicts.map(verdict))],
    ["reasons", (row) => row.reasons.join("; ")],
    ["made", (row) => time(row.created_at)],
  ]);
}

function showJobs(jobs) {
  table(at("jobs"), jobs, [
    ["job", (row) => row.job_id],
    ["state", (row) => state(row.state)],
    ["attempt", (row) => row.attempt],
    ["became", (row) => row.version],
    ["reason", (row) => row.reason || row.waiting_reason],
    ["created", (row) => time(row.created_at)],
    ["ended", (row) => time(row.ended_at)],
  ]);
}

function showDatasets(versions) {
  table(at("datasets"), versions, [
    ["version", (row) => make("button", { type: "button", onclick: () => openDataset(row) }, row.alias)],
    ["state", (row) => state(row.state)],
    ["good rows", (row) => number(row.rows_good)],
    ["bad rows", (row) => number(row.rows_bad)],
    ["file", (row) => row.key.split("/").pop()],
    ["reason", (row) => make("span", {}, reasonLink(row), row.detail ? `: ${row.detail}` : "")],
    ["arrived", (row) => time(row.created_at)],
  ]);
}

/** Make the form from the live model's inputs, once per version, so that nobody's typing is lost. */
async function showForm(name, live) {
  if (live === formOf && at("try").childElementCount) return;
  formOf = live;
  if (!live) return at("try").replaceChildren(make("p", { className: "hint" }, "nothing is live yet"));
  const model = await call(`models/${name}/${live}`);
  const fields = model.inputs.inputs.map((input, place) => {
    const id = `input-${place}`;
    const field = control(input, id);
    field.dataset.type = input.type;
    return make("div", {}, make("label", { htmlFor: id }, `${input.name} (${input.type})`), field);
  });
  at("try").replaceChildren(...fields, make("button", { type: "submit" }, "Predict"));
}

function control(input, id) {
  const choices = input.type === "boolean" ? ["true", "false"] : input.categories;
  if (choices) return make("select", { id, name: input.name }, ...["", ...choices].map((c) => make("option", { value: c }, c)));
  const numeric = input.type === "number" || input.type === "integer";
  const step = input.type === "integer" ? "1" : "any";
  const placeholder = { datetime: "2026-06-01T09:30:00Z", date: "2026-06-01" }[input.type] || "";
  return make("input", { id, name: input.name, placeholder, ...(numeric && { type: "number", step }) });
}

/** Return the record in the form; what was left empty is missing. */
function record(form) {
  const values = Array.from(form.querySelectorAll("input, select"), (field) => {
    if (field.value === "") return [field.name, null];
    if (field.type === "number") return [field.name, field.valueAsNumber];
    return [field.name, field.dataset.type === "boolean" ? field.value === "true" : field.value];
  });
  return Object.fromEntries(values);
}

async function predict(event) {
  event.preventDefault();
  at("answer").textContent = "…";
  try {
    const body = JSON.stringify({ records: [record(at("try"))] });
    const answer = await call(`predictions/${encodeURIComponent(chosen)}`, { method: "POST", body });
    const [{ id, value, scores }] = answer.predictions;
    const shown = Object.entries(scores || {}).map(([label, score]) => `${label} ${number(score)}`);
    at("answer").textContent = [`${number(value)}`, shown.join(", "), `${answer.model_version}, ${id}`].filter(Boolean).join("\n");
  } catch (error) {
    at("answer").textContent = error.message;
  }
}

async function open(event) {
  event?.preventDefault();
  if (event) sessionStorage.setItem(KEY, at("token").value.trim());
  at("token").value = "";
  try {
    await showPipelines();
    tell(null);
    at("login").hidden = true;
    at("forget").hidden = false;
  } catch (error) {
    if (error.status === 401) forget();
    tell(error);
  }
}

function forget() {
  sessionStorage.removeItem(KEY);
  chosen = null;
  at("login").hidden = false;
  at("forget").hidden = true;
  at("pipeline").hidden = true;
  at("pipelines").replaceChildren();
  at("token").focus();
}

at("login").addEventListener("submit", open);
at("forget").addEventListener("click", forget);
at("try").addEventListener("submit", predict);
showHealth();
if (sessionStorage.getItem(KEY)) open();
setInterval(() => document.visibilityState === "visible" && refresh(), REFRESH_MS);
