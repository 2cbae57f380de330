// SPDX-License-Identifier: MIT
// Conveniences: without this script everything can be read, but not sorted, filtered and zoomed.
"use strict";

for (const tools of document.querySelectorAll(".tools"))
	tools.hidden = false;

const table = document.getElementById("table");
const body = table.tBodies[0];

function valueOf(row, column, numeric) {
	const value = row.cells[column].dataset.v;

	if (!numeric)
		return value || "";
	// cells without a value come last, whichever way
	return value === undefined ? NaN : value === "inf" ? Infinity : Number(value);
}

function sortBy(head) {
	const numeric = head.dataset.sort === "number";
	const first = numeric && head.cellIndex ? "descending" : "ascending";
	const other = first === "ascending" ? "descending" : "ascending";
	const order = head.getAttribute("aria-sort") === first ? other : first;
	const sign = order === "ascending" ? 1 : -1;
	const rows = Array.from(body.rows, (row, i) => [valueOf(row, head.cellIndex, numeric), i, row]);

	rows.sort(([a, i], [b, k]) => {
		if (numeric && (isNaN(a) || isNaN(b)))
			return isNaN(a) - isNaN(b) || i - k;
		return a === b ? i - k : a < b ? -sign : sign;
	});
	for (const th of table.tHead.rows[0].cells)
		th.removeAttribute("aria-sort");
	head.setAttribute("aria-sort", order);
	body.append(...rows.map(([, , row]) => row));
}

for (const head of table.tHead.rows[0].cells) {
	const button = document.createElement("button");

	button.type = "button";
	button.textContent = head.textContent;
	button.addEventListener("click", () => sortBy(head));
	head.replaceChildren(button);
}

const filter = document.getElementById("filter");

filter.addEventListener("input", () => {
	const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
	let shown = 0;

	for (const row of body.rows) {
		const text = row.textContent.toLowerCase();

		row.hidden = !words.every((word) => text.includes(word));
		shown += !row.hidden;
	}
	document.getElementById("matches").value = words.length ? `${shown} of ${body.rows.length}` : "";
});

// A row that the filter hides is shown when somebody follows a link to it.
window.addEventListener("hashchange", () => {
	const target = document.getElementById(location.hash.slice(1));

	if (target && target.hidden) {
		filter.value = "";
		filter.dispatchEvent(new Event("input"));
		target.scrollIntoView();
	}
});

for (const button of document.querySelectorAll("[data-zoom]")) {
	const section = document.getElementById(button.dataset.zoom);
	const least = button.dataset.zoom === "timeline" ? 1 : 0.4;

	button.addEventListener("click", () => {
		const scroll = section.querySelector(".scroll");
		const zoom = Number(section.style.getPropertyValue("--zoom")) || 1;
		const next = Math.min(64, Math.max(least, zoom * Number(button.dataset.by)));
		const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;

		section.style.setProperty("--zoom", next);
		scroll.scrollLeft = middle * scroll.scrollWidth - scroll.clientWidth / 2;
	});
}

// What a box of the timeline is, at once instead of after the browser's delay.
const tip = document.getElementById("tip");

for (const title of document.querySelectorAll(".band title")) {
	title.parentNode.dataset.tip = title.textContent;
	title.remove();
}
for (const band of document.querySelectorAll(".band")) {
	band.addEventListener("pointermove", (event) => {
		const text = event.target.dataset.tip;

		tip.hidden = !text;
		if (!text)
			return;
		tip.textContent = text;
		tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
		tip.style.top = `${Math.min(event.clientY + 18, innerHeight - tip.offsetHeight - 8)}px`;
	});
	band.addEventListener("pointerleave", () => {
		tip.hidden = true;
	});
}
