import assert from "node:assert/strict";
import { test } from "node:test";
import { contrastOf, TEXT_CONTRAST_MIN } from "../protocol/palette.ts";
import { composeMail, type MailDraft, type MailLook } from "./mail-layout.ts";

const LOOK: MailLook = {
  realmName: "Shop",
  logo: { light: "https://shop.example/light.svg", dark: "https://shop.example/dark.svg" },
  supportUrl: "https://shop.example/help",
  colors: { background: "#ffd400", text: "#ffffff" },
};
const DRAFT: MailDraft = {
  to: "ada@example.com",
  language: "en",
  subject: "Subject",
  heading: "Heading",
  look: LOOK,
  blocks: [
    { kind: "paragraph", text: "First." },
    { kind: "code", code: "012345" },
    { kind: "button", label: "Press", url: "https://id.example/x?token=1&y=2" },
    { kind: "facts", rows: [["Time", "now"]] },
    { kind: "note", text: "Last." },
  ],
};

test("the text of a mail says all that its HTML says", () => {
  const { text, html = "" } = composeMail(DRAFT);
  assert.equal(
    text,
    "First.\n\n    012345\n\nhttps://id.example/x?token=1&y=2\n\nTime: now\n\nLast.\n\nSent by Shop.\nHelp: https://shop.example/help\n",
  );
  for (const part of [
    "First.",
    "012345",
    "https://id.example/x?token=1&amp;y=2",
    "Time",
    "now",
    "Last.",
    "Sent by Shop.",
  ])
    assert.ok(html.includes(part), part);
});

test("the HTML of a mail loads nothing but the realm's logo, runs nothing and has no tables", () => {
  const { html = "" } = composeMail(DRAFT);
  const loaded = [...html.matchAll(/\b(?:src|srcset|background)="([^"]*)"/g)].map(([, url]) => url);
  assert.deepEqual(loaded, ["https://shop.example/dark.svg", "https://shop.example/light.svg"]);
  assert.doesNotMatch(html, /<script|<link|<iframe|<table|url\(|@import| on\w+=/);
  const plain = composeMail({ ...DRAFT, look: { ...LOOK, logo: { light: undefined, dark: undefined } } });
  assert.doesNotMatch(plain.html ?? "", /<img|src/);
});

test("a button can be read whatever colours a theme wishes, by day and by night", () => {
  for (const colors of [
    LOOK.colors,
    { background: "#777777", text: "#777777" },
    { background: "#000000", text: "#111111" },
  ]) {
    const { html = "" } = composeMail({ ...DRAFT, look: { ...LOOK, colors } });
    const painted = [...html.matchAll(/background:(#\w{6})(?:!important)?;color:(#\w{6})(?:!important)?;border/g)];
    assert.equal(painted.length, 2);
    for (const [, background = "", text = ""] of painted)
      assert.ok(contrastOf(background, text) >= TEXT_CONTRAST_MIN, `${text} on ${background}`);
  }
});

test("whatever stands in a mail is one line, and no markup", () => {
  const evil = "a\r\nBcc: eve@example.com <img src=x>";
  const look = { ...LOOK, realmName: evil };
  const blocks = [
    { kind: "paragraph", text: evil },
    { kind: "facts", rows: [[evil, evil]] },
  ] as const;
  const { subject, text, html = "" } = composeMail({ ...DRAFT, look, subject: evil, heading: evil, blocks });
  assert.equal(subject, "a Bcc: eve@example.com <img src=x>");
  assert.doesNotMatch(text, /\nBcc/);
  assert.doesNotMatch(html, /<img src=x/);
});
