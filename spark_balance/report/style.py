"""How pages look: light and dark, wide and narrow."""

# every text colour has a contrast of 4.5 or more against its page, every mark one of 3
STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --page: #ffffff; --soft: #f3f5f8; --line: #d1d9e0; --muted: #57606a;
  --link: #0a58ca; --before: #0b62d6; --after: #c2410c; --warn: #8a4600; --warnpage: #fff6e5;
  --c0: #0b62d6; --c1: #c2410c; --c2: #15803d; --c3: #9333ea; --c4: #be185d; --c5: #0e7490; --c6: #854d0e;
  --c7: #475569; }
@media (prefers-color-scheme: dark) { :root { --ink: #d7dde4; --page: #12161c; --soft: #1b2129; --line: #343b45;
  --muted: #9aa4af; --link: #79b8ff; --before: #6cb0ff; --after: #ff9f5a; --warn: #f2c069; --warnpage: #2a2213;
  --c0: #6cb0ff; --c1: #ff9f5a; --c2: #5bd38a; --c3: #c9a0ff; --c4: #ff8fc0; --c5: #4fd1e0; --c6: #e3b341;
  --c7: #b6c2cf; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; margin: 0 auto; max-width: 1400px;
  padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem; color: var(--ink); background: var(--page); overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem; }
h4 { font-size: .9rem; margin: 0; }
p, li { max-width: 78ch; }
p { margin: .4rem 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .5rem; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; overflow-wrap: normal; }
th, td { padding: .35rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { vertical-align: bottom; white-space: normal; color: var(--muted); font-weight: 600; }
th:first-child, td:first-child, .texts td, .texts th { text-align: left; }
.texts td { white-space: normal; overflow-wrap: anywhere; }
.texts td, .texts th { vertical-align: top; }
tbody th { font-weight: 600; min-width: 5rem; max-width: 22rem; overflow-wrap: break-word; white-space: normal; }
tbody tr:hover { background: var(--soft); }
figure { margin: 1rem 0; }
figure svg { width: 100%; height: auto; display: block; color: var(--muted); }
figcaption, .note, small { color: var(--muted); font-size: 13.5px; }
small { font-size: 12px; }
.plots { display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
.lead { font-size: 1.1rem; }
.cards { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5rem), 1fr));
  margin: 1.25rem 0; padding: 0; list-style: none; }
.cards li { border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; background: var(--soft); }
.cards b { display: block; font-size: 1.3rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.cards span { color: var(--muted); font-size: 13.5px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: 0; list-style: none; margin: 1rem 0; }
.warnings { border-left: 4px solid var(--warn); background: var(--warnpage); padding: .6rem 1rem; border-radius: 4px; }
.warnings ul { margin: 0; padding-left: 1.1rem; }
.bar { display: inline-block; width: 5rem; height: .7rem; background: var(--line); vertical-align: -1px;
  margin-left: .6rem; border-radius: 2px; overflow: hidden; }
.bar span { display: block; height: 100%; }
.before span { background: var(--before); } .after span { background: var(--after); }
.time span { background: var(--muted); }
.key { display: inline-block; width: 14px; height: 14px; vertical-align: -2px; margin-right: .3rem; }
.keys { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: .5rem 0; list-style: none;
  font-size: 14px; }
.swatch { display: inline-block; width: 1.1rem; height: .75rem; margin-right: .4rem; vertical-align: -1px; }
.swatch.one { background: var(--before); opacity: .45; }
.swatch.two { border-top: 3px solid var(--after); height: .4rem; }
.grid { display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(max(150px, 22%), 1fr)); }
.grid figure { margin: .4rem 0; }
.grid h3 { margin: 0 0 .2rem; font-size: .95rem; }
.grid figcaption { font-size: 12.5px; }
.area { fill: var(--before); fill-opacity: .35; } .outline { fill: none; stroke: var(--after); stroke-width: 2; }
.axis { fill: none; stroke: var(--muted); stroke-width: 1; }
.hint { fill: none; stroke: var(--muted); stroke-opacity: .45; stroke-width: 4; stroke-linecap: round; }
.mark { fill-opacity: .75; }
.ends { display: flex; justify-content: space-between; color: var(--muted); font-size: 12px; }
@media (max-width: 600px) { th, td { padding: .3rem .4rem; } .bar { display: block; width: 100%; margin: .2rem 0 0; }
  tbody th { min-width: 4rem; } }
details > summary { cursor: pointer; padding: .4rem 0; color: var(--link); }
""" + "".join(f".c{i} {{ fill: var(--c{i}); }}\n" for i in range(8))
