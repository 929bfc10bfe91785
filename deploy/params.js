'use strict';

// How a parameter of serverless.yml is read and refused. For values.js and the files of the
// resources.

// A refusal is an error without a stack, which the framework would print behind the
// message.
const refusal = (message) => Object.assign(new Error(message), { stack: '' });

const wrong = (name, want) => refusal(`param "${name}": want ${want}`);

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// list reads a parameter that lists texts, with commas or blanks between them.
const list = async (name, resolveVariable) => {
  const text = String(await resolveVariable(`param:${name}`));
  return [...new Set(text === 'none' ? [] : text.split(/[\s,]+/).filter(Boolean))];
};

// object reads a parameter that is an object. From a command line it comes as JSON.
const object = async (name, resolveVariable) => {
  const value = await resolveVariable(`param:${name}`);
  let read = value;
  try {
    if (typeof value === 'string') read = JSON.parse(value);
  } catch {}
  if (!isObject(read)) throw wrong(name, 'an object, such as {"name": "value"}');
  return read;
};

// choice reads a parameter that is one of some words.
const choice = async (name, words, resolveVariable) => {
  const word = String(await resolveVariable(`param:${name}`));
  if (!words.includes(word)) {
    throw wrong(name, `${words.slice(0, -1).join(', ')} or ${words.at(-1)}, not "${word}"`);
  }
  return word;
};

// enabled reads a parameter that is ENABLED or DISABLED.
const enabled = async (name, resolveVariable) =>
  (await choice(name, ['ENABLED', 'DISABLED'], resolveVariable)) === 'ENABLED';

// optional reads a parameter that is "none" by default, as a text. It returns undefined for "none".
const optional = async (name, resolveVariable) => {
  const text = String(await resolveVariable(`param:${name}`));
  return text === 'none' ? undefined : text;
};

// number reads a parameter that is a number for which fits holds, or "none": then it returns
// undefined.
const number = async (name, want, fits, resolveVariable) => {
  const text = await optional(name, resolveVariable);
  if (text === undefined) return undefined;
  if (!/^\d+(\.\d+)?$/.test(text) || !fits(Number(text))) throw wrong(name, `${want}, not "${text}"`);
  return Number(text);
};

module.exports = { refusal, wrong, isObject, list, object, choice, enabled, optional, number };
