import type { Expression, Statement } from 'luaparse'
import luaparse from 'luaparse'
import { type Operations, operations } from './operations.ts'
import { LuaError, type LuaValue } from './values.ts'

/** A compiled script: gets its globals, and returns what the script does. */
export type LuaScript = (globals: ReadonlyMap<string, LuaValue>) => readonly LuaValue[]

/**
 * Compiles Lua 5.1 to JavaScript. Throws for the parts of Lua that it doesn't know, so that no
 * script means something else here than in Redis.
 *
 * @param lua The script's bytes, each as one character.
 */
export function compileLua(lua: string): LuaScript {
  const { body } = luaparse.parse(lua, { luaVersion: '5.1', encodingMode: 'pseudo-latin1' })
  const source = new Compiler().function([], body)
  const create = new Function('lua', 'global', `'use strict'; return ${source}`) as (
    lua: Operations,
    global: (name: string) => LuaValue,
  ) => () => readonly LuaValue[]
  return (globals) => {
    const global = (name: string): LuaValue => {
      if (globals.has(name)) return globals.get(name)
      throw new LuaError(`Script attempted to access nonexistent global variable '${name}'`)
    }
    return create(operations, global)()
  }
}

type StatementOf<TType extends Statement['type']> = Extract<Statement, { type: TType }>
type ExpressionOf<TType extends Expression['type']> = Extract<Expression, { type: TType }>

/** Writes JavaScript. Each local of Lua gets a name of its own, as Lua declares them again at will. */
class Compiler {
  #scopes: Array<Map<string, string>> = []
  #names = 0

  function(parameters: readonly string[], body: readonly Statement[]): string {
    const scope = new Map<string, string>()
    this.#scopes.push(scope)
    const names = parameters.map((name) => this.#declare(name))
    const code = `(${names.join(', ')}) => { ${this.#statements(body)} return [] }`
    this.#scopes.pop()
    return `(${code})`
  }

  #declare(name: string): string {
    const unique = `${name}$${this.#names++}`
    this.#scopes.at(-1)?.set(name, unique)
    return unique
  }

  #localNamed(name: string): string | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name)
  }

  #inScope(write: () => string): string {
    this.#scopes.push(new Map())
    const code = write()
    this.#scopes.pop()
    return code
  }

  #block(body: readonly Statement[]): string {
    return `{ ${this.#inScope(() => this.#statements(body))} }`
  }

  #statements(body: readonly Statement[]): string {
    return body.map((statement) => this.#statement(statement)).join('\n')
  }

  #statement(statement: Statement): string {
    switch (statement.type) {
      case 'LocalStatement':
        return this.#local(statement)
      case 'AssignmentStatement':
        return this.#assignment(statement)
      case 'CallStatement':
        return `${this.#list([statement.expression])};`
      case 'FunctionDeclaration':
        return this.#functionDeclaration(statement)
      case 'IfStatement':
        return this.#if(statement)
      case 'WhileStatement':
        return `while (${this.#condition(statement.condition)}) ${this.#block(statement.body)}`
      case 'RepeatStatement':
        return this.#repeat(statement)
      case 'ForNumericStatement':
        return this.#forNumeric(statement)
      case 'ForGenericStatement':
        return this.#forGeneric(statement)
      case 'DoStatement':
        return this.#block(statement.body)
      case 'ReturnStatement':
        return `return ${this.#list(statement.arguments)};`
      case 'BreakStatement':
        return 'break;'
      default:
        throw unknownPart(statement.type)
    }
  }

  #local({ variables, init }: StatementOf<'LocalStatement'>): string {
    const [first] = variables
    const [value] = init
    // The values don't see the new locals.
    if (variables.length === 1 && first && init.length <= 1) {
      const code = value ? this.#value(value) : 'undefined'
      return `let ${this.#declare(first.name)} = ${code};`
    }
    const code = this.#list(init)
    const names = variables.map(({ name }) => this.#declare(name))
    return `let [${names.join(', ')}] = ${code};`
  }

  #assignment({ variables, init }: StatementOf<'AssignmentStatement'>): string {
    const [target] = variables
    const [value] = init
    if (variables.length === 1 && init.length === 1 && target && value)
      return this.#assign(target, this.#value(value))
    const values = `values$${this.#names++}`
    const assignments = variables.map((each, i) => this.#assign(each, `${values}[${i}]`))
    return `const ${values} = ${this.#list(init)}; ${assignments.join(' ')}`
  }

  #assign(target: StatementOf<'AssignmentStatement'>['variables'][number], value: string): string {
    if (target.type === 'IndexExpression')
      return `lua.setIndex(${this.#value(target.base)}, ${this.#value(target.index)}, ${value});`
    if (target.type === 'MemberExpression')
      return `lua.setIndex(${this.#value(target.base)}, ${JSON.stringify(target.identifier.name)}, ${value});`
    const local = this.#localNamed(target.name)
    if (local === undefined)
      throw new LuaError(`Script attempted to create global variable '${target.name}'`)
    return `${local} = ${value};`
  }

  #functionDeclaration(declared: StatementOf<'FunctionDeclaration'>): string {
    const { identifier, isLocal } = declared
    if (!isLocal || identifier?.type !== 'Identifier') throw unknownPart('global function')
    const name = this.#declare(identifier.name)
    return `let ${name} = ${this.#functionExpression(declared)};`
  }

  #functionExpression({ parameters, body }: StatementOf<'FunctionDeclaration'>): string {
    const names = parameters.map((parameter) => {
      if (parameter.type === 'Identifier') return parameter.name
      throw unknownPart('...')
    })
    return this.function(names, body)
  }

  #if({ clauses }: StatementOf<'IfStatement'>): string {
    const parts = clauses.map((clause) => {
      const block = this.#block(clause.body)
      return clause.type === 'ElseClause'
        ? block
        : `if (${this.#condition(clause.condition)}) ${block}`
    })
    return parts.join(' else ')
  }

  /** The condition sees the locals of the body. */
  #repeat({ condition, body }: StatementOf<'RepeatStatement'>): string {
    const code = this.#inScope(
      () => `${this.#statements(body)} if (${this.#condition(condition)}) break;`,
    )
    return `while (true) { ${code} }`
  }

  #forNumeric({ variable, start, end, step, body }: StatementOf<'ForNumericStatement'>): string {
    if (step !== null && step.type !== 'NumericLiteral') throw unknownPart('computed step')
    const [from, to] = [this.#number(start), this.#number(end)]
    return this.#inScope(() => {
      const n = this.#names++
      const name = this.#declare(variable.name)
      const by = step?.value ?? 1
      const head = `let i$${n} = ${from}, to$${n} = ${to}; i$${n} <= to$${n}; i$${n} += ${by}`
      return `for (${head}) { let ${name} = i$${n}; ${this.#statements(body)} }`
    })
  }

  #forGeneric({ variables, iterators, body }: StatementOf<'ForGenericStatement'>): string {
    const list = this.#list(iterators)
    return this.#inScope(() => {
      const n = this.#names++
      const names = variables.map(({ name }) => this.#declare(name))
      return `let [next$${n}, of$${n}, at$${n}] = ${list};
        while (true) {
          let [${names.join(', ')}] = next$${n}(of$${n}, at$${n});
          at$${n} = ${names[0]};
          if (at$${n} === undefined) break;
          ${this.#statements(body)}
        }`
    })
  }

  /** JavaScript for a list of values. The last one may be several. */
  #list(expressions: readonly Expression[]): string {
    const last = expressions.at(-1)
    if (last === undefined) return '[]'
    if (last.type !== 'CallExpression' && last.type !== 'StringCallExpression')
      return `[${expressions.map((each) => this.#value(each)).join(', ')}]`
    const call = this.#call(last)
    if (expressions.length === 1) return call
    const others = expressions.slice(0, -1).map((each) => this.#value(each))
    return `[${others.join(', ')}, ...${call}]`
  }

  #call(call: ExpressionOf<'CallExpression' | 'StringCallExpression'>): string {
    if (call.type === 'StringCallExpression')
      return `lua.toFunction(${this.#value(call.base)})(${this.#value(call.argument)})`
    const list = this.#list(call.arguments)
    const args = list.startsWith('[') ? list.slice(1, -1) : `...${list}`
    return `lua.toFunction(${this.#value(call.base)})(${args})`
  }

  /** JavaScript for one value. */
  #value(expression: Expression): string {
    switch (expression.type) {
      case 'StringLiteral':
        return JSON.stringify(expression.value)
      case 'NumericLiteral':
      case 'BooleanLiteral':
        return String(expression.value)
      case 'NilLiteral':
        return 'undefined'
      case 'Identifier':
        return this.#localNamed(expression.name) ?? `global(${JSON.stringify(expression.name)})`
      case 'MemberExpression':
        if (expression.indexer === ':') throw unknownPart('method call')
        return `lua.index(${this.#value(expression.base)}, ${JSON.stringify(expression.identifier.name)})`
      case 'IndexExpression':
        return `lua.index(${this.#value(expression.base)}, ${this.#value(expression.index)})`
      case 'CallExpression':
      case 'StringCallExpression':
        return `${this.#call(expression)}[0]`
      case 'FunctionDeclaration':
        return this.#functionExpression(expression)
      case 'TableConstructorExpression':
        return this.#table(expression)
      case 'LogicalExpression':
        return this.#logical(expression)
      case 'UnaryExpression':
        return this.#unary(expression)
      case 'BinaryExpression':
        return this.#binary(expression)
      default:
        throw unknownPart(expression.type)
    }
  }

  #number(expression: Expression): string {
    if (expression.type === 'NumericLiteral') return String(expression.value)
    return `lua.operand(${this.#value(expression)})`
  }

  #condition(expression: Expression): string {
    if (isBoolean(expression)) return this.#value(expression)
    if (expression.type === 'LogicalExpression') {
      const operator = expression.operator === 'and' ? '&&' : '||'
      const [left, right] = [expression.left, expression.right].map((each) => this.#condition(each))
      return `(${left} ${operator} ${right})`
    }
    return `lua.isTrue(${this.#value(expression)})`
  }

  #table({ fields }: ExpressionOf<'TableConstructorExpression'>): string {
    const values = fields.map((field) => {
      if (field.type === 'TableValue') return field.value
      throw unknownPart('named field')
    })
    return `lua.newTable(${this.#list(values)})`
  }

  #logical({ operator, left, right }: ExpressionOf<'LogicalExpression'>): string {
    const name = `either$${this.#names++}`
    const [kept, other] = [name, this.#value(right)]
    const choice = operator === 'and' ? `${other} : ${kept}` : `${kept} : ${other}`
    return `((${name}) => lua.isTrue(${name}) ? ${choice})(${this.#value(left)})`
  }

  #unary({ operator, argument }: ExpressionOf<'UnaryExpression'>): string {
    if (operator === 'not') return `!${this.#condition(argument)}`
    if (operator === '-') return `(-${this.#number(argument)})`
    if (operator === '#') return `lua.length(${this.#value(argument)})`
    throw unknownPart(operator)
  }

  #binary({ operator, left, right }: ExpressionOf<'BinaryExpression'>): string {
    switch (operator) {
      case '+':
      case '-':
      case '*':
      case '/':
        return `(${this.#number(left)} ${operator} ${this.#number(right)})`
      case '%':
        return `lua.modulo(${this.#number(left)}, ${this.#number(right)})`
      case '..':
        return `lua.concat(${this.#value(left)}, ${this.#value(right)})`
      case '==':
        return `(${this.#value(left)} === ${this.#value(right)})`
      case '~=':
        return `(${this.#value(left)} !== ${this.#value(right)})`
      case '<':
        return `lua.isLess(${this.#value(left)}, ${this.#value(right)})`
      case '>':
        return `lua.isLess(${this.#value(right)}, ${this.#value(left)})`
      case '<=':
        return `lua.isAtMost(${this.#value(left)}, ${this.#value(right)})`
      case '>=':
        return `lua.isAtMost(${this.#value(right)}, ${this.#value(left)})`
      default:
        throw unknownPart(operator)
    }
  }
}

const comparisons: ReadonlySet<string> = new Set(['==', '~=', '<', '>', '<=', '>='])

/** Whether the JavaScript of an expression is always a boolean. */
function isBoolean(expression: Expression): boolean {
  if (expression.type === 'BinaryExpression') return comparisons.has(expression.operator)
  if (expression.type === 'UnaryExpression') return expression.operator === 'not'
  return expression.type === 'BooleanLiteral'
}

function unknownPart(name: string): LuaError {
  return new LuaError(`${name} is not part of the model`)
}
