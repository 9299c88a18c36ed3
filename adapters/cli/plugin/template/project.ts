/** Versions as the package itself has them. */
interface Versions {
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

export function packageFile(name: string, { version, peerDependencies, devDependencies }: Versions): string {
  const caret = (dependency: string): string => `^${devDependencies[dependency] ?? '*'}`.replace('^*', '*')
  const file = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    files: ['dist'],
    engines: { node: '>=22.19.0' },
    portcullis: { plugin: { name, type: 'secret', main: `dist/${name}` } },
    scripts: {
      test: "node --test '*.test.ts'",
      typecheck: 'tsc',
      // Not `pack`: npm would run `prepack` before it, again and again.
      build: `portcullis plugin pack main.ts --out dist/${name}`,
      prepack: 'npm run build',
    },
    devDependencies: {
      '@bufbuild/protobuf': peerDependencies['@bufbuild/protobuf'] ?? '*',
      '@types/node': caret('@types/node'),
      esbuild: caret('esbuild'),
      portcullis: `^${version}`,
      typescript: caret('typescript'),
    },
  }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

export function settingsFile(): string {
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', types: ['node'], strict: true, skipLibCheck: true },
    ...{ verbatimModuleSyntax: true, erasableSyntaxOnly: true, allowImportingTsExtensions: true, noEmit: true },
  }
  return `${JSON.stringify({ compilerOptions, include: ['*.ts'] }, undefined, 2)}\n`
}

export function readmeFile(name: string): string {
  return `# ${name}

A plugin for Vault, OpenBao and portcullis.

- \`plugin.ts\`: what it does. \`main.ts\`: what a server starts. \`plugin.test.ts\`: its tests, without a server.
- \`npm test\` runs the tests, \`npm run typecheck\` the compiler.
- \`npm run build\` makes \`dist/${name}\`, the one file to register, and prints its SHA-256.

The file runs on any machine with Node.js in its \`PATH\`. On a server, with \`VAULT_ADDR\` and \`VAULT_TOKEN\` set:

\`\`\`sh
npx portcullis plugin install ./dist/${name}
npx portcullis plugin register ${name} --from-lock --plugin-directory /path/of/the/servers/plugins
vault secrets enable ${name}
\`\`\`

Published to npm, it is installed by \`npx portcullis plugin install npm:${name}@VERSION\`: the \`portcullis\` field of
\`package.json\` says which file it is.
`
}
