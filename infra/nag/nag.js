// Judges the stack by the rules of cdk-nag (AwsSolutions and Serverless): `make validate` runs it on
// what transform.py prints. A finding that exceptions.json does not name fails, and so does an
// exception that nothing is found for.
//
//	node nag.js TEMPLATE EXCEPTIONS
const fs = require('fs');
const os = require('os');
const path = require('path');

const { App, Stack, Validations } = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');
const { AwsSolutionsChecks, ServerlessChecks } = require('cdk-nag');

const PACKS = ['AwsSolutions', 'Serverless'];

// report has the packs judge a template, and gives what each has found.
function report(templateFile) {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'seatwise-nag-'));
  const told = console.error;
  console.error = () => {}; // it prints every finding, excepted or not
  try {
    const app = new App({ outdir, analyticsReporting: false });
    new CfnInclude(new Stack(app, 'Seatwise'), 'Template', { templateFile });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
    const file = path.join(outdir, 'validation-report.json');
    try {
      app.synth();
    } catch (error) {
      if (!fs.existsSync(file)) throw error; // otherwise it says that there are findings
    }
    return JSON.parse(fs.readFileSync(file, 'utf8')).pluginReports;
  } finally {
    console.error = told;
    process.exitCode = 0;
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

// findings are rule and resource of everything that the packs have found.
function findings(reports) {
  const of = PACKS.map((name) => reports.find((one) => one.pluginName === name));
  if (of.includes(undefined)) throw new Error(`not every pack of ${PACKS} has judged`);
  return of.flatMap((pack) => pack.violations).flatMap((violation) =>
    violation.violatingConstructs.map((construct) => ({
      rule: violation.ruleName, resource: construct.constructPath.split('/').pop(), text: violation.description,
    })));
}

const [templateFile, exceptionsFile] = process.argv.slice(2);
const exceptions = JSON.parse(fs.readFileSync(exceptionsFile, 'utf8'));
const takes = (exception, found) =>
  found.rule.startsWith(exception.rule) && (exception.resources ?? [found.resource]).includes(found.resource);
const found = findings(report(templateFile));
const wrong = found.filter((one) => !exceptions.some((exception) => takes(exception, one)))
  .map((one) => `${one.resource}: ${one.rule}: ${one.text}`);
wrong.push(...exceptions.filter((exception) => !exception.reason).map((exception) => `${exception.rule}: an exception without a reason`));
wrong.push(...exceptions.filter((exception) => !found.some((one) => takes(exception, one)))
  .map((exception) => `${exception.rule}: an exception for which nothing is found`));
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}
console.log(`cdk-nag: ${found.length} findings, each with its exception of ${exceptions.length}`);
