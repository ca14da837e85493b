// What scrolls sideways is reached by the keyboard, and has a name.
function reach() {
  document.querySelectorAll("pre > code, .md-typeset__scrollwrap, .md-typeset__table").forEach(function (box) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      const heading = [...document.querySelectorAll("h1, h2, h3, h4")]
        .filter((one) => one.compareDocumentPosition(box) & Node.DOCUMENT_POSITION_FOLLOWING).pop();
      const number = [...document.querySelectorAll("[role=region]")].indexOf(box) + 1;
      box.setAttribute("aria-label", `${box.tagName === "CODE" ? "Code" : "Table"} ${number}, ${heading ? heading.innerText : "wide"}`);
    }
  });
  // the copy buttons stand in landmarks without a name
  document.querySelectorAll("nav.md-code__nav").forEach((bar) => bar.setAttribute("role", "presentation"));
}
document.addEventListener("DOMContentLoaded", function () {
  reach();
  new ResizeObserver(reach).observe(document.body);
  new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
});
