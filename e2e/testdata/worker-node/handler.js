'use strict';

// What a target's input says is done. Every target is counted before its work.

class Flaky extends Error {} // passes with the third attempt
class Broken extends Error {} // never passes

// count counts an attempt at a target, and returns how many there were.
const count = async (arn, target) => {
  const query = new URLSearchParams({ function: arn, target });
  return Number(await (await fetch(`${process.env.COUNTER}?${query}`)).text());
};

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

const work = async (arn, target, given) => {
  const attempt = await count(arn, target);
  switch (given.do) {
    case 'flaky':
      if (attempt < 3) throw new Flaky(`attempt ${attempt}`);
      break;
    case 'broken':
      throw new Broken('for good');
    case 'hang':
      await sleep(60);
      break;
    case 'crash':
      process.exit(1);
    case 'garbage':
      return Buffer.from('<html>no JSON</html>');
  }
  await sleep(given.seconds ?? 0);
  const [, , , where, owner] = arn.split(':');
  return { square: (given.n ?? 0) ** 2, where, owner };
};

module.exports.handler = async (event, arn) => {
  if (!event.targets) return work(arn, event.target, event.input);
  const outputs = [];
  const failures = [];
  for (const { target, input } of event.targets) {
    try {
      outputs.push(await work(arn, target, input));
    } catch (error) {
      failures.push({ target, error: error.constructor.name, cause: error.message });
    }
  }
  if (event.targets.some(({ input }) => input.do === 'short')) return outputs.slice(1);
  return failures.length > 0 ? { failures } : outputs;
};
