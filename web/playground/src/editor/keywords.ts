// Lists the keywords, and some names that programs often use, of languages whose grammars complete none.

const LISTS: Readonly<Record<string, string>> = {
  c:
    "break case char const continue default do double else enum extern float for goto if inline int long register " +
    "return short signed sizeof static struct switch typedef union unsigned void volatile while include define " +
    "ifdef ifndef endif NULL size_t printf scanf malloc calloc free strlen strcmp strcpy memcpy memset fgets puts " +
    "stdio stdlib string stdbool stdint math true false bool int64_t uint64_t",
  cpp:
    "alignas auto bool break case catch char class concept const constexpr continue decltype default delete do " +
    "double dynamic_cast else enum explicit export extern false float for friend if inline int long mutable " +
    "namespace new noexcept nullptr operator override private protected public requires return short signed " +
    "sizeof static static_cast struct switch template this throw true try typedef typename union unsigned using " +
    "virtual void while include define iostream string vector map unordered_map set algorithm memory std cout cin " +
    "cerr endl getline push_back emplace_back begin end size make_unique make_shared optional pair tuple sort",
  java:
    "abstract assert boolean break byte case catch char class continue default double else enum extends false " +
    "final finally float for if implements import instanceof int interface long native new null package private " +
    "protected public record return sealed short static super switch synchronized this throw throws transient " +
    "true try var void volatile while yield String System out println printf Math List ArrayList Map HashMap Set " +
    "HashSet Scanner Integer Arrays Collections StringBuilder Optional",
  csharp:
    "abstract async await base bool break byte case catch char class const continue decimal default delegate do " +
    "double else enum event explicit false finally float for foreach get if implicit int interface internal lock " +
    "long namespace new null object operator out override params private protected public readonly ref return " +
    "sealed set short static string struct switch this throw true try typeof using var virtual void volatile " +
    "while yield Console WriteLine ReadLine System Collections Generic Linq List Dictionary Math",
  rust:
    "async await break const continue crate dyn else enum extern false fn for if impl let loop match mod move mut " +
    "pub ref return self Self static struct super trait true type unsafe use where while bool char f64 i32 i64 " +
    "str u8 u32 u64 usize String Vec Option Some None Result Ok Err Box println print format vec panic assert " +
    "assert_eq std collections HashMap HashSet iter collect unwrap expect clone derive Debug Clone",
  kotlin:
    "abstract as break by catch class companion const constructor continue data do else enum false final finally " +
    "for fun get if import in init inline interface internal is lateinit lazy listOf mapOf mutableListOf " +
    "mutableMapOf null object open operator out override package private protected public readln return sealed " +
    "set super suspend this throw true try typealias val var vararg when where while println print Int Long " +
    "String Boolean Double List Map",
  swift:
    "as associatedtype async await break case catch class continue default defer deinit do else enum extension " +
    "fallthrough false fileprivate for func guard if import in init inout internal is lazy let mutating nil open " +
    "operator override private protocol public repeat rethrows return self Self static struct subscript super " +
    "switch throw throws true try typealias var weak where while print readLine Int String Double Bool Array " +
    "Dictionary",
  ruby:
    "alias and begin break case class def defined do else elsif end ensure false for if in module next nil not or " +
    "redo require rescue retry return self super then true undef unless until when while yield puts print gets " +
    "attr_accessor attr_reader each each_with_index map select reject reduce include extend private raise lambda " +
    "proc initialize",
  php:
    "abstract and array as break callable case catch class clone const continue declare default die do echo else " +
    "elseif empty endfor endforeach endif endwhile enum exit extends false final finally fn for foreach function " +
    "global if implements include instanceof interface isset list match namespace new null or print private " +
    "protected public readonly require return static switch throw trait true try unset use var while yield count " +
    "strlen implode explode printf sprintf array_map array_filter in_array readline STDIN PHP_EOL",
  perl:
    "and bless chomp close defined delete die each else elsif eq exists for foreach grep if join keys last length " +
    "local map my ne next not open or our package pop print printf push qw return reverse say scalar shift sort " +
    "splice split sprintf strict sub substr undef unless unshift until use values wantarray warn warnings while " +
    "STDIN",
  lua:
    "and break do else elseif end false for function goto if in local nil not or repeat return then true until " +
    "while print pairs ipairs require setmetatable getmetatable tostring tonumber table string math insert remove " +
    "concat format error pcall self type select",
  bash:
    "break case continue do done elif else esac exit export fi for function if in local printf echo read readonly " +
    "return set shift source test then trap true until unset wait while declare",
  r:
    "break else FALSE for function if in Inf NA NaN next NULL repeat return TRUE while library print cat paste " +
    "paste0 length seq seq_along sapply lapply vapply apply mean sum data frame list matrix vector names nrow " +
    "ncol stop readLines",
  haskell:
    "case class data deriving do else foldr foldl if import in infix infixl infixr instance let module newtype of " +
    "qualified then type where putStrLn print getLine interact return mapM_ forM_ map filter zip show read Maybe " +
    "Just Nothing Either Left Right Int Integer String Bool True False IO Eq Ord Show",
  scala:
    "abstract case catch class def do else enum extends extension false final finally for given if implicit " +
    "import lazy match new null object override package private protected return sealed super then this throw " +
    "trait true try type using val var while with yield println readLine List Map Set Option Some None Seq String " +
    "Int Boolean Unit",
  dart:
    "abstract as assert async await break case catch class const continue default do dynamic else enum export " +
    "extends extension external factory false final finally for Function get if implements import in interface is " +
    "late library mixin new null on operator required rethrow return sealed set static super switch this throw " +
    "true try typedef var void while with yield print String int double bool List Map Set Future",
  julia:
    "abstract baremodule begin break catch const continue do else elseif end export false finally for function " +
    "global if import in let local macro module mutable nothing quote return struct true try type using where " +
    "while println print readline length map filter collect typeof isa Int Float64 String Vector Dict",
  elixir:
    "after alias and case catch cond def defimpl defmacro defmodule defp defprotocol defstruct do else end false " +
    "fn for if import in nil not or quote raise receive require rescue super throw true try unless unquote use " +
    "when with Enum IO puts gets inspect String Map List",
  ocaml:
    "and as assert begin class constraint do done downto else end exception external false for fun function " +
    "functor if in include inherit initializer lazy let match method module mutable new object of open or private " +
    "rec sig struct then to true try type val virtual when while with print_endline print_string print_int " +
    "read_line Printf printf List Array String Hashtbl failwith Some None",
  fortran:
    "allocatable allocate call case character complex contains continue cycle deallocate dimension do else elseif " +
    "end endif enddo exit function if implicit integer intent inout interface logical module none only optional " +
    "parameter pointer print private procedure program public pure read real recursive result return save select " +
    "stop subroutine then type use where while write",
  pascal:
    "and array as begin boolean case char class const constructor destructor div do downto else end except exit " +
    "false file finally for function if implementation in inherited integer interface is mod nil not object of or " +
    "procedure program property raise read readln real record repeat set string then to true try type unit until " +
    "uses var while with write writeln WriteLn ReadLn SysUtils",
  tcl:
    "after append array break catch continue dict else elseif error eval expr for foreach format gets global if " +
    "incr info join lappend lassign lindex list llength lrange lsearch lset lsort namespace package proc puts " +
    "regexp regsub rename return set split string switch try unset uplevel upvar variable while",
  nim:
    "addr and as block break case cast const continue converter defer discard distinct div elif else enum except " +
    "export finally for from func if import include in is isnot iterator let macro method mixin mod nil not notin " +
    "object of or proc ptr raise ref return static template try tuple type using var when while yield echo result " +
    "seq string int float bool true false readLine stdin strutils sequtils tables",
};

/** The keywords of a language; none where its grammar completes them. */
export function keywordsOf(language: string): readonly string[] {
  return Object.hasOwn(LISTS, language) ? (LISTS[language]?.split(" ") ?? []) : [];
}
