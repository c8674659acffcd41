"use strict";
// The page of `quoteattr report`: reads the embedded columns, filters them, draws the charts and lists the quotes.
// Text of the corpus gets into the page as text nodes only; in charts, whose library reads some HTML, it is escaped.
(async () => {
  const PER_PAGE = 25, BARS = 15, LINES = 5, OPTIONS = 40;
  const DAY = 86400000;
  const element = (id) => document.getElementById(id);
  const plain = new Intl.NumberFormat("ar-u-nu-latn");
  const dateOf = (day, form) => new Intl.DateTimeFormat("ar-EG-u-nu-latn", { timeZone: "UTC", ...form }).format(new Date(day * DAY));
  const isoOf = (day) => new Date(day * DAY).toISOString().slice(0, 10);
  const dayOf = (iso) => (iso ? Math.floor(Date.parse(iso + "T00:00:00Z") / DAY) : null);

  async function unpacked(id) {
    const packed = atob(element(id).textContent);
    const bytes = new Uint8Array(packed.length);
    for (let n = 0; n < packed.length; n++) bytes[n] = packed.charCodeAt(n);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  function made(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function counted(number, [none, one, two, few, many, hundreds]) {
    if (number <= 2) return [none, one, two][number];
    const rest = number % 100;
    return `${plain.format(number)} ${rest >= 3 && rest <= 10 ? few : rest > 10 ? many : hundreds}`;
  }
  const QUOTES = ["لا اقتباسات", "اقتباس واحد", "اقتباسان", "اقتباسات", "اقتباسًا", "اقتباس"];
  const SPEAKERS = ["لا متحدثين", "متحدث واحد", "متحدثان", "متحدثين", "متحدثًا", "متحدث"];
  const OUTLETS = ["لا وسائل إعلام", "وسيلة إعلام واحدة", "وسيلتا إعلام", "وسائل إعلام", "وسيلة إعلام", "وسيلة إعلام"];
  const DOCUMENTS = ["لا نصوص", "نص واحد", "نصان", "نصوص", "نصًّا", "نص"];

  // A pattern that finds a word in any spelling: hamza, ta marbuta, diacritics and tatweel make no difference.
  const SAME = [["اأإآٱ", "اأإآٱ"], ["ىيی", "ىيئی"], ["ئ", "ئؤءىيی"], ["ؤ", "ؤئءو"], ["و", "وؤ"], ["ةه", "ةه"], ["كک", "كک"]];
  const MARKS = "[\\u0640\\u064b-\\u065f\\u0670\\u200b-\\u200f]*";
  const DIGITS = "٠١٢٣٤٥٦٧٨٩";
  function patternOf(word) {
    const letters = [...word.replace(new RegExp(MARKS, "g"), "")].map((c) => {
      const digit = DIGITS.indexOf(c) >= 0 ? DIGITS.indexOf(c) : /\d/.test(c) ? Number(c) : -1;
      const alike = digit >= 0 ? `${digit}${DIGITS[digit]}` : SAME.find(([typed]) => typed.includes(c))?.[1];
      return alike ? `[${alike}]` : c.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    });
    return letters.join(MARKS);
  }
  const wordsOf = (text) => text.split(/\s+/).map(patternOf).filter(Boolean);
  const finder = (text) => wordsOf(text).map((pattern) => new RegExp(pattern, "iu"));

  // -------------------------------------------------------------------------------------------------------------------
  // Data

  const { columns, names, kinds, labels, piece, undated, nobody } = JSON.parse(await unpacked("data"));
  const total = columns.text.length;
  const NO_DAY = -(2 ** 31);
  const column = Object.fromEntries(
    ["group", "speaker", "outlet", "verb", "cue", "source", "document", "type", "act"].map((k) => [k, Int32Array.from(columns[k])]),
  );
  column.day = Int32Array.from(columns.day, (day) => day ?? NO_DAY);
  column.precision = Uint8Array.from(columns.precision);
  const texts = columns.text;
  const unknown = names.group.indexOf("");
  const groupName = (n) => names.group[n] || nobody;
  const NO_OUTLET = "غير مذكورة";
  const outletName = (n) => names.outlet[n] || NO_OUTLET;
  const tally = (key, size, rows) => {
    const counts = new Uint32Array(size), values = column[key];
    for (const n of rows) counts[values[n]]++;
    return counts;
  };
  const largest = (counts, size, except = -1) =>
    [...counts.keys()].filter((n) => counts[n] && n !== except).sort((a, b) => counts[b] - counts[a]).slice(0, size);

  const everything = Int32Array.from({ length: total }, (_, n) => n);
  const groupTotals = tally("group", names.group.length, everything);
  let firstDay = Infinity, lastDay = -Infinity;
  for (const day of column.day) {
    if (day === NO_DAY) continue;
    firstDay = Math.min(firstDay, day);
    lastDay = Math.max(lastDay, day);
  }
  const dated = firstDay <= lastDay;
  const hasOutlets = names.outlet.some(Boolean);

  // -------------------------------------------------------------------------------------------------------------------
  // Filters

  const fields = Object.fromEntries(
    ["words", "speaker", "kind", "outlet", "type", "act", "verb", "from", "to"].map((id) => [id, element(id)]),
  );
  let chosen = -1; // the group that was chosen by name; without one, what is typed is looked for in all names
  let rows = everything, page = 0;

  function fill(select, all, options, counts) {
    select.append(made("option", { value: "", textContent: all }));
    for (const n of largest(counts, 500)) {
      select.append(made("option", { value: n, textContent: `${options(n)} (${plain.format(counts[n])})` }));
    }
  }
  const kindTotals = new Uint32Array(labels.kind.length);
  groupTotals.forEach((count, n) => (kindTotals[kinds[n]] += count));
  fill(fields.kind, "الكل", (n) => labels.kind[n], kindTotals);
  fill(fields.outlet, "الكل", outletName, tally("outlet", names.outlet.length, everything));
  fill(fields.type, "الكل", (n) => labels.type[n], tally("type", labels.type.length, everything));
  fill(fields.act, "الكل", (n) => labels.act[n], tally("act", labels.act.length, everything));
  fill(fields.verb, "الكل", (n) => names.verb[n], tally("verb", names.verb.length, everything));
  fields.outlet.parentElement.hidden = !hasOutlets;
  for (const field of document.querySelectorAll(".dates")) field.hidden = !dated;
  if (dated) {
    for (const field of [fields.from, fields.to]) [field.min, field.max] = [isoOf(firstDay), isoOf(lastDay)];
  }

  function matching() {
    const wanted = ["outlet", "type", "act", "verb"].filter((k) => fields[k].value !== "").map((k) => [column[k], Number(fields[k].value)]);
    const from = dayOf(fields.from.value), to = dayOf(fields.to.value);
    const patterns = finder(fields.words.value);
    const typed = chosen < 0 ? finder(fields.speaker.value) : [];
    const groups = typed.length || fields.kind.value !== ""
      ? names.group.map((name, n) => (fields.kind.value === "" || kinds[n] === Number(fields.kind.value)) && typed.every((p) => p.test(name)))
      : null;
    const found = new Int32Array(total);
    let size = 0;
    for (let n = 0; n < total; n++) {
      if (chosen >= 0 && column.group[n] !== chosen) continue;
      if (groups && !groups[column.group[n]]) continue;
      if (wanted.some(([values, value]) => values[n] !== value)) continue;
      const day = column.day[n];
      if ((from !== null || to !== null) && (day === NO_DAY || (from !== null && day < from) || (to !== null && day > to))) continue;
      if (patterns.length && !patterns.every((p) => p.test(texts[n]))) continue;
      found[size++] = n;
    }
    return found.subarray(0, size);
  }

  function update() {
    rows = matching();
    page = 0;
    const groups = largest(tally("group", names.group.length, rows), Infinity, unknown).length;
    element("count").textContent =
      rows.length === total ? "" : rows.length ? `بعد التصفية: ${counted(rows.length, QUOTES)}، ${counted(groups, SPEAKERS)}` : "لا اقتباس يطابق هذه التصفية.";
    list();
    charts();
    table();
  }
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 150);
  };
  const choose = (id, value) => {
    fields[id].value = String(value);
    update();
  };

  // The names that fit what is typed, as a list to choose from
  const options = element("speakers");
  let pointed = -1;
  function suggest() {
    const typed = finder(fields.speaker.value);
    const fitting = byTotal.filter((n) => typed.every((p) => p.test(names.group[n]))).slice(0, OPTIONS);
    options.replaceChildren(
      ...fitting.map((n, k) => {
        const option = made("li", { id: `speaker-${k}` }, made("bdi", { textContent: names.group[n] }), made("span", { textContent: plain.format(groupTotals[n]) }));
        option.setAttribute("role", "option");
        option.addEventListener("pointerdown", (event) => event.preventDefault());
        option.addEventListener("click", () => chooseSpeaker(n));
        option.group = n;
        return option;
      }),
    );
    options.hidden = !fitting.length;
    fields.speaker.setAttribute("aria-expanded", String(!options.hidden));
    point(-1);
  }
  function point(k) {
    pointed = k;
    [...options.children].forEach((option, n) => option.setAttribute("aria-selected", String(n === k)));
    if (k >= 0) {
      fields.speaker.setAttribute("aria-activedescendant", `speaker-${k}`);
      options.children[k].scrollIntoView({ block: "nearest" });
    } else fields.speaker.removeAttribute("aria-activedescendant");
  }
  function close() {
    options.hidden = true;
    fields.speaker.setAttribute("aria-expanded", "false");
    fields.speaker.removeAttribute("aria-activedescendant");
    pointed = -1;
  }
  function chooseSpeaker(n) {
    chosen = n;
    fields.speaker.value = groupName(n);
    close();
    update();
  }
  const byTotal = largest(groupTotals, Infinity, unknown);
  fields.speaker.addEventListener("input", () => {
    chosen = -1;
    suggest();
    soon();
  });
  fields.speaker.addEventListener("focus", () => chosen < 0 && suggest());
  fields.speaker.addEventListener("blur", close);
  fields.speaker.addEventListener("keydown", (event) => {
    const size = options.hidden ? 0 : options.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!size) return suggest();
      point((pointed + (event.key === "ArrowDown" ? 1 : pointed < 0 ? 0 : -1) + size) % size);
    } else if (event.key === "Enter" && pointed >= 0 && size) {
      event.preventDefault();
      chooseSpeaker(options.children[pointed].group);
    } else if (event.key === "Escape" && size) {
      event.preventDefault();
      close();
    }
  });
  fields.words.addEventListener("input", soon);
  for (const id of ["kind", "outlet", "type", "act", "verb", "from", "to"]) fields[id].addEventListener("change", update);
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("filters").addEventListener("reset", () => {
    chosen = -1;
    setTimeout(update);
  });

  // -------------------------------------------------------------------------------------------------------------------
  // The list of quotes

  const FORMS = [{ year: "numeric", month: "long", day: "numeric" }, { year: "numeric", month: "long" }, { year: "numeric" }];
  const dateText = (n) => dateOf(column.day[n], FORMS[column.precision[n]]);

  function list() {
    const pages = Math.max(1, Math.ceil(rows.length / PER_PAGE));
    element("quotes").querySelector("ol").replaceChildren(...Array.from(rows.subarray(page * PER_PAGE, (page + 1) * PER_PAGE), item));
    element("page").textContent = `${plain.format(page + 1)} من ${plain.format(pages)}`;
    element("previous").disabled = page === 0;
    element("next").disabled = page >= pages - 1;
    element("page").parentElement.hidden = pages < 2;
  }
  function turn(by) {
    page += by;
    list();
    element("list-title").focus({ preventScroll: true });
    element("list-title").scrollIntoView();
  }
  element("previous").addEventListener("click", () => turn(-1));
  element("next").addEventListener("click", () => turn(1));

  function item(n) {
    const about = [labels.type[column.type[n]], names.verb[column.verb[n]]];
    if (column.outlet[n] >= 0 && names.outlet[column.outlet[n]]) about.push(outletName(column.outlet[n]));
    if (column.day[n] !== NO_DAY) about.push(dateText(n));
    const name = made("button", { type: "button", className: "name", title: "اقتباسات هذا المتحدث وحده" }, made("bdi", { textContent: groupName(column.group[n]) }));
    name.addEventListener("click", () => chooseSpeaker(column.group[n]));
    const open = made("button", { type: "button", className: "open", textContent: "في سياقه" });
    open.setAttribute("aria-expanded", "false");
    const said = made("p", { className: "said" });
    said.append(...highlighted(texts[n]));
    const li = made(
      "li",
      {},
      made("div", { className: "who" }, name, made("span", { className: "about" }, ...about.flatMap((x, k) => [k ? "، " : "", made("bdi", { textContent: x })]))),
      said,
      open,
    );
    let box = null;
    open.addEventListener("click", async () => {
      const expanded = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!expanded));
      if (!box) {
        box = made("div", { className: "context" });
        li.append(box);
        box.append(...(await context(n)));
      }
      box.hidden = expanded;
    });
    return li;
  }

  function highlighted(text) {
    const patterns = wordsOf(fields.words.value);
    if (!patterns.length) return [text];
    const parts = text.split(new RegExp(`(${patterns.join("|")})`, "iu"));
    return parts.map((part, k) => (k % 2 ? made("mark", { textContent: part }) : part));
  }

  const pieces = new Map(); // the contexts last unpacked
  async function context(n) {
    const number = columns.context[n];
    const nodes = [];
    if (number !== null) {
      const at = Math.floor(number / piece);
      if (!pieces.has(at)) {
        if (pieces.size > 20) pieces.delete(pieces.keys().next().value);
        pieces.set(at, JSON.parse(await unpacked(`c${at}`)));
      }
      const text = made("p", { className: "text" });
      for (const [mask, part] of pieces.get(at)[number % piece]) {
        const classes = [mask & 2 ? "cue" : "", mask & 4 ? "source" : ""].join(" ").trim();
        text.append(mask ? made(mask & 1 ? "mark" : "span", { className: classes, textContent: part }) : part);
      }
      nodes.push(text);
    } else nodes.push(made("p", { textContent: "لا نص محفوظًا مع هذا الاقتباس." }));
    const about = made("p", { className: "about" });
    const facts = [
      ["كلمة النقل", names.cue[column.cue[n]]],
      ["المصدر كما ورد", names.source[column.source[n]]],
      ["المتحدث في النص", names.speaker[column.speaker[n]]],
      ["الثقة", columns.confidence[n] === null ? "" : `${plain.format(columns.confidence[n])}٪`],
      ["النص", names.document[column.document[n]]],
    ].filter(([, value]) => value);
    facts.forEach(([label, value], k) => {
      const shown = /^https?:\/\/[^\s]+$/.test(value) ? made("a", { href: value, rel: "noopener noreferrer", textContent: value }) : value;
      about.append(k ? "؛ " : "", `${label}: `, made("bdi", {}, shown));
    });
    return [...nodes, about];
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The table of speakers

  function table() {
    if (!element("table").open) return;
    const counts = tally("group", names.group.length, rows);
    const top = largest(counts, 200, unknown);
    const facts = new Map(top.map((n) => [n, { direct: 0, first: -1, last: -1, outlets: new Set() }]));
    for (const n of rows) {
      const fact = facts.get(column.group[n]);
      if (!fact) continue;
      fact.direct += column.type[n] === 0;
      if (names.outlet[column.outlet[n]]) fact.outlets.add(column.outlet[n]);
      if (column.day[n] !== NO_DAY) {
        if (fact.first < 0 || column.day[n] < column.day[fact.first]) fact.first = n;
        if (fact.last < 0 || column.day[n] > column.day[fact.last]) fact.last = n;
      }
    }
    const cell = (text) => made("td", { textContent: text });
    const day = (n) => (n < 0 ? "" : dateText(n));
    element("table").querySelector("tbody").replaceChildren(
      ...top.map((n) => {
        const { direct, first, last, outlets } = facts.get(n);
        const share = `${plain.format(Math.round((100 * direct) / counts[n]))}٪`;
        return made("tr", {}, made("td", {}, made("bdi", { textContent: groupName(n) })), cell(plain.format(counts[n])), cell(share), cell(outlets.size ? plain.format(outlets.size) : ""), cell(day(first)), cell(day(last)));
      }),
    );
    element("table").querySelector(".note").textContent = "«بنصّه»: كم في المئة من اقتباسات المتحدث نُقل كلها بين علامتي تنصيص. يضم الجدول أول مئتي متحدث.";
  }
  element("table").addEventListener("toggle", table);

  // -------------------------------------------------------------------------------------------------------------------
  // Charts

  const narrow = matchMedia("(max-width:48rem)"), dark = matchMedia("(prefers-color-scheme:dark)");
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\$/g, "&#36;");
  const isolated = (text) => `\u2067${text}\u2069`;
  const cut = (text) => {
    const size = narrow.matches ? 20 : 34, letters = [...text];
    return letters.length > size ? letters.slice(0, size - 1).join("") + "…" : text;
  };
  const short = (text) => isolated(escaped(cut(text)));
  const canvas = document.createElement("canvas").getContext("2d");
  function widest(labels, { size, family }) {
    canvas.font = `${size}px ${family}`;
    return Math.ceil(Math.max(0, ...labels.map((label) => canvas.measureText(label).width)));
  }
  const hover = (name, count) => isolated(`${escaped(name)}: ${counted(count, QUOTES)}`);

  function look() {
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const font = { family: getComputedStyle(document.body).fontFamily, size: narrow.matches ? 12 : 14, color: colour("text") };
    const axis = { fixedrange: true, gridcolor: colour("line"), zeroline: false, tickfont: { color: colour("text") } };
    return { colour, font, axis };
  }
  const layoutOf = ({ colour, font }, height, more) => ({
    height,
    font,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 12, r: 12, t: 8, b: 36 },
    barmode: "stack",
    bargap: 0.3,
    dragmode: false,
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { ...font, color: colour("text") } },
    showlegend: false,
    ...more,
  });

  function show(id, sentence, legend, traces, layout, clicked) {
    const figure = element(`${id}-chart`), plot = figure.querySelector(".plot");
    figure.hidden = false;
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", sentence);
    figure.querySelector(".legend")?.remove();
    if (legend.length) {
      const entry = ([label, colour]) => made("li", {}, made("span", { className: "swatch", style: `background:${colour}` }), made("bdi", { textContent: label }));
      plot.before(made("ul", { className: "legend" }, ...legend.map(entry)));
    }
    Plotly.react(plot, traces, layout, { displayModeBar: false, responsive: true });
    plot.removeAllListeners("plotly_click");
    plot.on("plotly_click", ({ points }) => clicked(points[0]));
  }
  const hide = (id) => (element(`${id}-chart`).hidden = true);
  const sentenceOf = (name, order, counts) => order.slice(0, 10).map((n) => `${name(n)}: ${plain.format(counts[n])}`).join("، ");

  // Horizontal bars from the right, the longest on top; `stacks` are [name, colour, counts] of the parts of a bar.
  function bars(id, style, order, counts, name, stacks, clicked) {
    if (!order.length) return hide(id);
    const at = order.map((_, k) => k);
    const traces = stacks.map(([label, colour, parts]) => ({
      type: "bar",
      orientation: "h",
      x: order.map((n) => parts[n]),
      y: at,
      marker: { color: style.colour(colour) },
      hovertext: order.map((n) => hover(stacks.length > 1 ? `${name(n)}، ${label}` : name(n), parts[n])),
      hoverinfo: "text",
      text: order.map((n) => plain.format(parts[n])),
      textposition: stacks.length > 1 ? "none" : "outside",
      textfont: { size: style.font.size - 2 },
      constraintext: "none",
      textangle: 0,
      cliponaxis: false,
    }));
    const margin = { l: stacks.length > 1 ? 12 : 56, r: widest(order.map((n) => cut(name(n))), style.font) + 22, t: 8, b: 36 };
    const layout = layoutOf(style, order.length * 26 + 50, {
      margin,
      xaxis: { ...style.axis, autorange: "reversed", rangemode: "tozero", nticks: 5, tickformat: ",d" },
      yaxis: { ...style.axis, range: [order.length - 0.5, -0.5], side: "right", showgrid: false, tickvals: at, ticktext: order.map((n) => short(name(n))), ticks: "outside", ticklen: 8, tickcolor: "rgba(0,0,0,0)" },
    });
    const legend = stacks.length > 1 ? stacks.map(([label, colour]) => [label, style.colour(colour)]) : [];
    show(id, sentenceOf(name, order, counts), legend, traces, layout, (point) => clicked(order[point.y]));
  }

  function bins() {
    let precision = 0, first = Infinity, last = -Infinity;
    for (const n of rows) {
      const day = column.day[n];
      if (day === NO_DAY) continue;
      precision = Math.max(precision, column.precision[n]);
      first = Math.min(first, day);
      last = Math.max(last, day);
    }
    if (first > last) return null;
    const span = last - first;
    const unit = precision === 2 || span > 8 * 366 ? "year" : precision === 1 || span > 92 ? "month" : "day";
    const month = (day) => {
      const date = new Date(day * DAY);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    };
    const of = { day: (day) => day, month, year: (day) => Math.floor(month(day) / 12) }[unit];
    const start = (bin) => ({ day: bin, month: Math.round(Date.UTC(Math.floor(bin / 12), bin % 12) / DAY), year: Math.round(Date.UTC(bin, 0) / DAY) })[unit];
    const form = { day: { day: "numeric", month: "long" }, month: { month: "short", year: "numeric" }, year: { year: "numeric" } }[unit];
    return { first: of(first), size: of(last) - of(first) + 1, of, start, label: (bin) => dateOf(start(bin), form) };
  }

  function overTime(style) {
    const time = dated ? bins() : null;
    if (!time) return ["time", "people"].forEach(hide);
    const types = labels.type.map(() => new Uint32Array(time.size));
    const counts = tally("group", names.group.length, rows.filter((n) => column.day[n] !== NO_DAY));
    const top = largest(counts, LINES, unknown);
    const lines = new Map(top.map((n) => [n, new Uint32Array(time.size)]));
    for (const n of rows) {
      if (column.day[n] === NO_DAY) continue;
      const bin = time.of(column.day[n]) - time.first;
      types[column.type[n]][bin]++;
      if (lines.has(column.group[n])) lines.get(column.group[n])[bin]++;
    }
    const at = Array.from({ length: time.size }, (_, k) => k);
    const step = Math.ceil(time.size / (narrow.matches ? 4 : 5)), ticks = at.filter((k) => k % step === 0);
    const label = (k) => time.label(time.first + k);
    const layout = layoutOf(style, 260, {
      xaxis: { ...style.axis, range: [time.size - 0.5, -0.5], showgrid: false, tickvals: ticks, ticktext: ticks.map((k) => isolated(label(k))), tickangle: 0 },
      yaxis: { ...style.axis, side: "right", rangemode: "tozero", nticks: 5, tickformat: ",d", ticks: "outside", ticklen: 8, tickcolor: "rgba(0,0,0,0)" },
      margin: { l: 24, r: 60, t: 8, b: 36 },
    });
    const clicked = (point) => {
      const bin = time.first + point.x;
      fields.from.value = isoOf(time.start(bin));
      fields.to.value = isoOf(time.start(bin + 1) - 1);
      update();
    };
    const parts = STACKS.map(([type, colour]) => ({
      type: "bar",
      x: at,
      y: [...types[type]],
      marker: { color: style.colour(colour) },
      hovertext: at.map((k) => hover(`${label(k)}، ${labels.type[type]}`, types[type][k])),
      hoverinfo: "text",
    }));
    show("time", `من ${label(0)} إلى ${label(time.size - 1)}`, STACKS.map(([type, colour]) => [labels.type[type], style.colour(colour)]), parts, layout, clicked);
    if (!top.length || time.size < 2) return hide("people");
    const people = top.map((n, k) => ({
      type: "scatter",
      mode: time.size > 60 ? "lines" : "lines+markers",
      x: at,
      y: [...lines.get(n)],
      line: { color: style.colour(`p${k + 1}`), width: 2 },
      hovertext: at.map((i) => hover(`${groupName(n)}، ${label(i)}`, lines.get(n)[i])),
      hoverinfo: "text",
    }));
    show("people", sentenceOf(groupName, top, counts), top.map((n, k) => [groupName(n), style.colour(`p${k + 1}`)]), people, layout, clicked);
  }

  const STACKS = [[0, "direct"], [2, "mixed"], [1, "indirect"]]; // the types and their colours
  function charts() {
    if (!window.Plotly) return;
    const style = look();
    const groups = tally("group", names.group.length, rows);
    const types = labels.type.map(() => new Uint32Array(names.group.length));
    for (const n of rows) types[column.type[n]][column.group[n]]++;
    const stacks = STACKS.map(([type, colour]) => [labels.type[type], colour, types[type]]);
    bars("speakers", style, largest(groups, BARS, unknown), groups, groupName, stacks, chooseSpeaker);
    overTime(style);
    const simple = (id, key, size, name) => {
      const counts = tally(key, size, rows);
      bars(id, style, largest(counts, BARS), counts, name, [["", "direct", counts]], (n) => choose(key, n));
    };
    if (names.outlet.length > 1) simple("outlets", "outlet", names.outlet.length, outletName);
    else hide("outlets");
    simple("acts", "act", labels.act.length, (n) => labels.act[n]);
    simple("verbs", "verb", names.verb.length, (n) => names.verb[n]);
  }
  narrow.addEventListener("change", charts);
  dark.addEventListener("change", charts);

  // -------------------------------------------------------------------------------------------------------------------

  const facts = [counted(total, QUOTES), counted(byTotal.length, SPEAKERS), counted(names.document.length, DOCUMENTS)];
  if (hasOutlets) facts.push(counted(names.outlet.filter(Boolean).length, OUTLETS));
  if (dated) {
    const form = FORMS[column.precision.reduce((a, b) => Math.max(a, b), 0)];
    facts.push(`من ${dateOf(firstDay, form)} إلى ${dateOf(lastDay, form)}`);
  }
  if (unknown >= 0) facts.push(`بلا متحدث معروف: ${plain.format(groupTotals[unknown])}`);
  if (undated) facts.push(`بتاريخ لا يُقرأ: ${plain.format(undated)}`);
  element("facts").textContent = facts.join("؛ ");
  document.querySelector("main").hidden = false;
  update();
  for (const id of ["filters", "charts", "table"]) element(id).hidden = !total;
  if (total) {
    document.head.append(made("script", { textContent: await unpacked("plotly") }));
    charts();
  }
  document.body.dataset.ready = "";
})();
